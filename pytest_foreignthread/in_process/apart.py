"""pytest's faulthandler and HotSpot kept apart, where a suite starts a JVM in the pytest process with JPype.

Both answer SIGSEGV, which HotSpot also raises for its own ends: an implicit null check, a safepoint. Left to
themselves, faulthandler comes first in a crash and no hs_err is written; and at the end of the run pytest turns
faulthandler off, which takes HotSpot's handler along: the next null check of Java's, such as one in a shutdown hook,
ends the process by SIGSEGV (JPype's issues 561, 842, 934, 1261). Here faulthandler is off while the JVM starts and on
again behind it, so that a crash leaves hs_err, by HotSpot, and then Python's stacks, by faulthandler's SIGABRT handler.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from .on_import import OnImport

if TYPE_CHECKING:
    from .handlers import Handlers

_STDERR: Final = 2


class FaulthandlerApart:
    """A plugin of the run, to be registered before the first conftest is imported."""

    def __init__(self) -> None:
        self._jpype: ModuleType | None = None
        self._hotspots: Handlers | None = None
        self._stderr: int | None = None
        self._import = OnImport("jpype", self._wrap)

    def _wrap(self, jpype: ModuleType) -> None:
        if jpype.isJVMStarted():
            self._hotspots = _handlers()
            return
        self._jpype = jpype
        jpype.startJVM = functools.wraps(jpype.startJVM)(functools.partial(self._start, jpype.startJVM))  # type: ignore[attr-defined]

    def _start(self, start_jvm: Callable[..., Any], *args: Any, **options: Any) -> Any:
        assert self._jpype is not None
        if self._jpype.isJVMStarted():
            # That is an error of the caller's, and JPype says so.
            return start_jvm(*args, **options)
        enabled = faulthandler.is_enabled()
        faulthandler.disable()
        try:
            return start_jvm(*args, **options)
        finally:
            if self._jpype.isJVMStarted():
                self._hotspots = _handlers()
            if enabled:
                faulthandler.enable(self._stderr or _STDERR)
                self._put_back()

    def _put_back(self) -> None:
        """Let HotSpot answer its signals again, faulthandler having been enabled over it.

        What faulthandler keeps for the day on which it is disabled is HotSpot's handler then. Off POSIX it hears of
        HotSpot's own faults before HotSpot does, and reports each: there it stays off.
        """
        if self._hotspots is not None and faulthandler.is_enabled() and not self._hotspots.put_back():
            faulthandler.disable()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        # Later on it is a file of pytest's capture that stands there; some run without any.
        with contextlib.suppress(OSError):
            self._stderr = os.dup(_STDERR)
        self._put_back()

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._import.forget()
        if self._stderr is not None and faulthandler.is_enabled():
            # It outlives the run where Python was started with it.
            faulthandler.enable(_STDERR)
        self._put_back()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None
        if self._jpype is not None:
            self._jpype.startJVM = self._jpype.startJVM.__wrapped__  # type: ignore[attr-defined]


def _handlers() -> Handlers:
    # Imported here: few runs of pytest start a JVM in their own process.
    from .handlers import Handlers

    return Handlers()
