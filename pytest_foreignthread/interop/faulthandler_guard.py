"""pytest's faulthandler and HotSpot kept apart, where a suite starts a JVM in the pytest process.

Both answer SIGSEGV, which HotSpot also raises for its own ends: an implicit null check, a safepoint. Left to
themselves, faulthandler comes first in a crash and no hs_err is written; and at the end of the run pytest turns
faulthandler off, which takes HotSpot's handler along: the next null check of Java's, such as one in a shutdown hook,
ends the process by SIGSEGV (JPype's issues 561, 842, 934, 1261). Here faulthandler is off while the JVM starts and on
again behind it, so that a crash leaves hs_err, by HotSpot, and then Python's stacks, by faulthandler's SIGABRT handler.

That is so where `jpype.startJVM` or the import of PyJNIus starts it. A JVM that came otherwise is noticed where it
matters: when faulthandler may have come over HotSpot, and before it is turned off.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pytest

from .on_import import OnImport
from .running_jvm import jvm_in_memory, running_jvm

if TYPE_CHECKING:
    from .faulthandler_handlers import Handlers

NAME: Final = "foreign_thread_faulthandler"
_STDERR: Final = 2


class FaulthandlerApart:
    """A plugin of the run, to be registered before the first conftest is imported."""

    def __init__(self) -> None:
        self._jpype: ModuleType | None = None
        self._hotspots: Handlers | None = None
        self._leads_to_faulthandler = False
        """Whether HotSpot found faulthandler when it started: it hands each fault that is not its own to that one."""
        self._stderr: int | None = None
        self.file: int | None = None
        """A descriptor, where Python's stacks go elsewhere than to stderr."""
        self._imports = (OnImport("jpype", self._wrap), OnImport("jnius", around=self._off_at_start))

    def _wrap(self, jpype: ModuleType) -> None:
        if jpype.isJVMStarted():
            self._find_hotspots()
            return
        self._jpype = jpype
        jpype.startJVM = functools.wraps(jpype.startJVM)(functools.partial(self._start, jpype.startJVM))  # type: ignore[attr-defined]

    def _start(self, start_jvm: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self._off_at_start():
            return start_jvm(*args, **options)

    @contextmanager
    def _off_at_start(self) -> Iterator[None]:
        """Keep faulthandler off while a JVM starts, and let HotSpot answer its signals behind it."""
        if running_jvm() is not None:
            # JPype can be attached to it, by a library that stands in for libjvm; else it is an error of the caller's.
            yield
            return
        enabled = faulthandler.is_enabled()
        faulthandler.disable()
        try:
            yield
        finally:
            if running_jvm() is not None:
                self._hotspots = _handlers()
            if enabled:
                self._enable()
                self._put_back()

    def _enable(self) -> None:
        faulthandler.enable(self.file or self._stderr or _STDERR)

    def _put_back(self) -> None:
        """Let HotSpot answer its signals again, faulthandler having been enabled over it.

        What faulthandler keeps for the day on which it is disabled is HotSpot's handler then. Off POSIX it hears of
        HotSpot's own faults before HotSpot does, and reports each: there it stays off.
        """
        if self._hotspots is not None and faulthandler.is_enabled() and not self._hotspots.put_back():
            faulthandler.disable()

    def _find_hotspots(self) -> None:
        """Note the handlers of a JVM that came unnoticed, be they in force or below faulthandler's."""
        if self._hotspots is not None or (running := jvm_in_memory()) is None:
            return
        now = _handlers()
        if running.holds(now.address_of(signal.SIGSEGV)):
            self._hotspots, self._leads_to_faulthandler = now, faulthandler.is_enabled()
        elif faulthandler.is_enabled():
            faulthandler.disable()
            below = _handlers()
            self._enable()
            if running.holds(below.address_of(signal.SIGSEGV)):
                self._hotspots = below
            else:
                now.put_back()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        # Later on it is a file of pytest's capture that stands there; some run without any.
        with contextlib.suppress(OSError):
            self._stderr = os.dup(_STDERR)
        self._find_hotspots()
        self._put_back()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Generator[None, object, object]:
        for one in self._imports:
            one.forget()
        self._find_hotspots()
        result = yield
        if self._stderr is not None and (faulthandler.is_enabled() or self._leads_to_faulthandler):
            # It outlives the run where Python was started with it, and where HotSpot hands a crash to it: HotSpot would
            # meet the same fault again, without end, if it did nothing.
            faulthandler.enable(_STDERR)
        self._put_back()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None
        if self._jpype is not None:
            self._jpype.startJVM = self._jpype.startJVM.__wrapped__  # type: ignore[attr-defined]
        return result


def write_to(config: pytest.Config, file: int) -> None:
    """Call where faulthandler was told to write to that file, a descriptor: a JVM that starts must not change it."""
    if isinstance(plugin := config.pluginmanager.getplugin(NAME), FaulthandlerApart):
        plugin.file = file


def _handlers() -> Handlers:
    # Imported here: few runs of pytest start a JVM in their own process.
    from .faulthandler_handlers import Handlers

    return Handlers()
