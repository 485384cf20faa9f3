"""Warns of threads that the pytest process has when it forks: a child has none of them, but all locks that they hold.

Such a lock is never released in the child, and a test that needs the lock hangs.
"""

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

from ..interop import monkey_patches, xdist
from ..interop.pytest_plugins import has_watchdog, records_warnings
from ..model.python_threads import ident_of, name_of
from .warning_of_run import WarningFilter, show

_MOST_NAMED: Final = 10
_BEGINNINGS: Final = ("threading", "concurrent", "multiprocessing", "socketserver")
"""Packages whose functions are the oldest frames of threads that other modules start."""
_OPENBLAS: Final = re.compile(r"/\S*openblas\S*\.so\S*")
_PAUSES: Final = (0.0, 0.01, 0.04)
"""Seconds of sleep before each count: the kernel lists a thread for a moment after it was joined."""


class ThreadsBeforeForkWarning(pytest.PytestWarning):
    """The pytest process has other threads while it forks a child for a test."""

    __module__ = "pytest_foreignthread"


@dataclass(frozen=True)
class OtherThreads:
    """The threads of this process besides the calling thread."""

    names: tuple[str, ...] = ()
    """One text for each thread that has a Python frame."""
    native: int = 0
    """The number of threads that have none."""

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
    """Threads that no warning names, because a user can do nothing about them."""

    modules: frozenset[str] = frozenset()
    """Top-level modules of plugins, whose threads a project cannot influence. In an xdist worker, for example, a thread
    of execnet receives what the controller sends."""
    native: frozenset[int] = frozenset()
    """The kernel's ids of the threads that this plugin's import of jpype has started: jpype imports numpy."""
    watchdog: bool = False
    """Whether the thread of `faulthandler_timeout` runs, which takes no lock."""


def native_ids() -> frozenset[int]:
    """Return the kernel's ids of this process's threads; an empty set if /proc cannot be read."""
    try:
        return frozenset(map(int, os.listdir("/proc/self/task")))
    except OSError:
        return frozenset()


def other_threads(left_out: LeftOut = LeftOut()) -> OtherThreads:
    """Return the threads of this process besides the calling thread and those that are left out."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]
    known = {ident: name_of(one) for one in threading.enumerate() if (ident := ident_of(one)) in frames}
    names = []
    # `threading`'s order first. A thread that `threading` did not start is in `frames` only.
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
    """Return the module in which the thread began: a name such as `Thread-1` does not say which code started it."""
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
        tasks = native_ids()
        unknown = len(tasks) - len(sys._current_frames()) - int(left_out.watchdog)
        # The threads that are left out are OpenBLAS' as well, if it was this plugin that imported numpy. Most processes
        # have no thread more than Python knows: then the memory map, which is long, is not read.
        surplus = unknown if unknown <= 0 else unknown - max(len(tasks & left_out.native), _of_openblas())
        if surplus <= 0:
            return 0
    return surplus


def _of_openblas() -> int:
    """Return how many threads OpenBLAS may have in this process: each copy has one less than there are processors.

    They are not counted as other threads: OpenBLAS starts them when numpy is imported, and ends them before a fork.
    """
    try:
        mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    copies = len(set(_OPENBLAS.findall(mapped)))
    return copies * (len(os.sched_getaffinity(0)) - 1) if copies else 0


class ThreadsWarning:
    """Warns of other threads once in a run."""

    def __init__(
        self, config: pytest.Config, filters: Sequence[WarningFilter], own: frozenset[int] = frozenset()
    ) -> None:
        """`filters` are the warning filters that apply outside of any test, with the user's.

        `own` are the kernel's ids of the threads that this plugin's own imports have started.
        """
        self._config = config
        self._own = own
        self._filters = filters
        self._given = not records_warnings(config)

    def before_fork(self) -> None:
        """Warn if this process has other threads. Raise UsageError if a filter makes this very warning an error."""
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
        # The modules of installed plugins only: a conftest is a plugin as well, but its threads are the project's.
        modules = {_module_name(plugin) for plugin, _ in plugins.list_plugin_distinfo()}
        of_worker = xdist.MODULES if xdist.is_worker(self._config) else frozenset()
        return LeftOut(frozenset(modules) | of_worker | monkey_patches.MODULES, self._own, has_watchdog(self._config))


def _module_name(plugin: object) -> str:
    name: str = getattr(plugin, "__name__", type(plugin).__module__)
    return name.partition(".")[0]


def _sentences(found: OtherThreads) -> Iterator[str]:
    yield f"The pytest process has other threads when it forks a child for a test: {found}."
    yield "A lock that one of them holds at that moment stays locked in the child, and the test may hang on it."
    yield "Start them in a fixture of the tests that need them, or end them before the first test that is forked."
    if found.native:
        yield "Keep pools of native libraries small: OMP_NUM_THREADS=1."
