"""Threads that the pytest process has when it forks: a child has none of them, but all locks that they hold."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import pytest

from ..interop import xdist
from ..interop.pytest_plugins import has_watchdog, records_warnings
from .warning_of_run import WarningFilter, show

_MOST_NAMED: Final = 10
_BEGINNINGS: Final = ("threading", "concurrent", "multiprocessing", "socketserver")
"""Packages in which threads of others begin."""
_OPENBLAS: Final = re.compile(r"/\S*openblas\S*\.so\S*")
_PAUSES: Final = (0.0, 0.01, 0.04)
"""Seconds before each count: a thread that was joined is there for a moment longer."""


class ThreadsBeforeForkWarning(pytest.PytestWarning):
    """The pytest process has other threads while it forks a child for a test."""

    __module__ = "pytest_foreignthread"


@dataclass(frozen=True)
class OtherThreads:
    """Those beside the one that asks: the names of Python's, and how many Python knows nothing of."""

    names: tuple[str, ...] = ()
    native: int = 0

    def __bool__(self) -> bool:
        return bool(self.names or self.native)

    def __str__(self) -> str:
        more = len(self.names) - _MOST_NAMED
        parts = [*self.names[:_MOST_NAMED], *([f"{more} more of Python's"] if more > 0 else [])]
        if self.native:
            parts.append(f"{self.native} that Python did not start")
        return ", ".join(parts)


@dataclass(frozen=True)
class LeftOut:
    """Threads that a user can do nothing about."""

    modules: frozenset[str] = frozenset()
    """Top-level modules of plugins: their threads begin where no project has a say. A worker of xdist hears from its
    controller by a thread of execnet, say."""
    native: frozenset[int] = frozenset()
    """The kernel's ids of those that this plugin's own import of jpype has started, by way of numpy."""
    watchdog: bool = False
    """Whether there is that of `faulthandler_timeout`, which takes no lock."""


def native_ids() -> frozenset[int]:
    """Return the kernel's ids of this process's threads; none where the kernel does not tell."""
    try:
        return frozenset(map(int, os.listdir("/proc/self/task")))
    except OSError:
        return frozenset()


def other_threads(left_out: LeftOut = LeftOut()) -> OtherThreads:
    """Look at this process."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]
    known = {thread.ident: thread.name for thread in threading.enumerate() if thread.ident in frames}
    names = []
    # Python's own order first; a thread that Python did not start has none there.
    for ident in dict.fromkeys([*known, *frames]):
        frame = frames[ident]
        module = _module_of(frame)
        if module.partition(".")[0] in left_out.modules:
            continue
        oldest = _from_the_oldest(frame)[0]
        unknown = f"one that runs {_module(oldest)}.{oldest.f_code.co_name}"
        names.append(f'"{known[ident]}"{f" of {module}" if module else ""}' if ident in known else unknown)
    return OtherThreads(tuple(names), _native(left_out))


def _module_of(frame: FrameType) -> str:
    """Return the module that the thread began in: a name such as `Thread-1` tells nobody whom to ask."""
    modules = [_module(one) for one in _from_the_oldest(frame)]
    return next((module for module in modules if module.partition(".")[0] not in _BEGINNINGS), "")


def _from_the_oldest(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _native(left_out: LeftOut) -> int:
    surplus = 0
    for pause in _PAUSES:
        time.sleep(pause)
        tasks = native_ids() - left_out.native
        surplus = len(tasks) - len(sys._current_frames()) - int(left_out.watchdog) - _of_openblas()
        if surplus <= 0:
            return 0
    return surplus


def _of_openblas() -> int:
    """Return how many threads OpenBLAS may have here: it ends its own before a fork, and so asks nothing of a user.

    numpy starts them when it is imported, one less than there are processors, for each copy of the library.
    """
    try:
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    copies = len(set(_OPENBLAS.findall(mapped)))
    return copies * (len(os.sched_getaffinity(0)) - 1) if copies else 0


class ThreadsWarning:
    """Warns once in a run."""

    def __init__(
        self, config: pytest.Config, filters: Sequence[WarningFilter], own: frozenset[int] = frozenset()
    ) -> None:
        """`filters` are those in force outside of any test, the user's among them.

        `own` has the kernel's ids of threads that this plugin's own imports have started.
        """
        self._config = config
        self._own = own
        self._filters = filters
        self._given = not records_warnings(config)

    def before_fork(self) -> None:
        """Raise UsageError where a filter asks for an error in so many words."""
        if self._given:
            return
        found = other_threads(self._left_out())
        if not found:
            return
        self._given = True
        try:
            show(self._config, self._filters, ThreadsBeforeForkWarning(" ".join(_sentences(found))))
        except ThreadsBeforeForkWarning as error:
            raise pytest.UsageError(str(error)) from None

    def _left_out(self) -> LeftOut:
        plugins = self._config.pluginmanager
        # The modules of installed plugins, and not of conftests, which are the project's own.
        modules = {_module_name(plugin) for plugin, _ in plugins.list_plugin_distinfo()}
        of_worker = xdist.MODULES if xdist.is_worker(self._config) else frozenset()
        return LeftOut(frozenset(modules) | of_worker, self._own, has_watchdog(self._config))


def _module_name(plugin: object) -> str:
    name: str = getattr(plugin, "__name__", type(plugin).__module__)
    return name.partition(".")[0]


def _sentences(found: OtherThreads) -> Iterator[str]:
    yield f"The pytest process has other threads when it forks a child for a test: {found}."
    yield "A lock that one of them holds at that moment stays locked in the child, and the test may hang on it."
    yield "Start them in a fixture of the tests that need them, or end them before the first test that is forked."
    if found.native:
        yield "Keep pools of native libraries small: OMP_NUM_THREADS=1."
