"""Keeps pytest's faulthandler and HotSpot apart if a suite starts a JVM in the pytest process.

Both handle SIGSEGV, which HotSpot also raises on purpose, for implicit null checks and safepoints. Without this module,
faulthandler gets a crash first and HotSpot writes no hs_err file. And at the end of the run pytest disables
faulthandler, which removes HotSpot's handler as well. The next null check of Java code, for example in a shutdown hook,
then kills the process by SIGSEGV (JPype's issues 561, 842, 934, 1261). This module disables faulthandler while the JVM
starts, and enables it again behind HotSpot. A crash then leaves hs_err by HotSpot, and after that the Python stacks by
faulthandler's handler of SIGABRT.

The start of a JVM is noticed if `jpype.startJVM` or the import of PyJNIus starts it. Any other JVM is noticed when it
matters: when faulthandler may have replaced HotSpot's handlers, and before faulthandler is disabled.
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
    """A plugin of the run; register it before the first conftest is imported, because a conftest may start a JVM."""

    def __init__(self) -> None:
        self._wrapped: tuple[ModuleType, Callable[..., Any], Callable[..., Any]] | None = None
        """JPype, its `startJVM`, and the function that stands in its place."""
        self._hotspots: Handlers | None = None
        self._leads_to_faulthandler = False
        """Whether HotSpot found faulthandler at its start, and so passes each fault that is not its own to it."""
        self._stderr: int | None = None
        self.file: int | None = None
        """The descriptor of the file for Python's stacks; None for stderr."""
        self._imports = (OnImport("jpype", self._wrap), OnImport("jnius", around=self._off_at_start))

    def _wrap(self, jpype: ModuleType) -> None:
        if jpype.isJVMStarted():
            self._find_hotspots()
            return
        start = jpype.startJVM
        ours = functools.wraps(start)(functools.partial(self._start, start))
        jpype.startJVM = ours  # type: ignore[attr-defined]
        self._wrapped = jpype, start, ours

    def _start(self, start_jvm: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self._off_at_start():
            return start_jvm(*args, **options)

    @contextmanager
    def _off_at_start(self) -> Iterator[None]:
        """Disable faulthandler while a JVM starts, and leave HotSpot's handlers in front afterwards."""
        if running_jvm() is not None:
            # A JVM runs already. A library that replaces libjvm may attach JPype to it; otherwise the caller gets
            # JPype's error.
            yield
            return
        enabled = faulthandler.is_enabled()
        faulthandler.disable()
        try:
            yield
        finally:
            if running_jvm() is not None:
                self._hotspots = _hotspots_handlers()
            if enabled:
                self._enable()
                self._put_back()

    def _enable(self) -> None:
        faulthandler.enable(self.file or self._stderr or _STDERR)

    def _put_back(self) -> None:
        """Restore HotSpot's handlers after faulthandler was enabled over them.

        faulthandler remembers HotSpot's handler and restores it when it is disabled. Outside POSIX, faulthandler would
        see HotSpot's own faults before HotSpot and report each of them, so it stays disabled there.
        """
        if self._hotspots is not None and faulthandler.is_enabled() and not self._hotspots.put_back():
            faulthandler.disable()

    def _find_hotspots(self) -> None:
        """Save the handlers of a JVM that started unnoticed, whether they are in force or below faulthandler's."""
        if self._hotspots is not None or (running := jvm_in_memory()) is None:
            return
        now = _hotspots_handlers()
        if running.holds(now.address_of(signal.SIGSEGV)):
            self._hotspots, self._leads_to_faulthandler = now, faulthandler.is_enabled()
            now.put_back()
        elif faulthandler.is_enabled():
            faulthandler.disable()
            below = _hotspots_handlers()
            self._enable()
            if running.holds(below.address_of(signal.SIGSEGV)):
                self._hotspots = below
            else:
                now.put_back()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        # Later, descriptor 2 is a file of pytest's capture. Some programs run without descriptor 2.
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
            # faulthandler outlives the run if Python was started with it, and if HotSpot passes crashes to it: with
            # faulthandler disabled, HotSpot would meet the same fault again and again.
            faulthandler.enable(_STDERR)
        self._put_back()
        if self._stderr is not None:
            os.close(self._stderr)
            self._stderr = None
        self._unwrap()
        return result

    def _unwrap(self) -> None:
        if self._wrapped is None:
            return
        jpype, start, ours = self._wrapped
        # A project may have put a function of its own there, which stays.
        if getattr(jpype, "startJVM", None) is ours:
            jpype.startJVM = start  # type: ignore[attr-defined]
        self._wrapped = None


def write_to(config: pytest.Config, file: int) -> None:
    """Make a JVM start keep faulthandler's file; call after faulthandler was enabled for this descriptor."""
    if isinstance(plugin := config.pluginmanager.getplugin(NAME), FaulthandlerApart):
        plugin.file = file


def _hotspots_handlers() -> Handlers:
    """Return the handlers that are in force; they are HotSpot's once they are put back."""
    # Imported here because few runs start a JVM in the pytest process.
    from .faulthandler_handlers import Handlers

    found = Handlers()
    found.admit_abort()
    return found
