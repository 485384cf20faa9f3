"""Threads that the pytest process has when it forks: a child has none of them, but all locks that they hold."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import pytest

WarningFilter = tuple[Any, ...]
"""An entry of `warnings.filters`."""

_MOST_NAMED: Final = 10
_BEGINNINGS: Final = ("threading", "concurrent", "multiprocessing", "socketserver")
"""Packages in which threads of others begin."""
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


def other_threads(*, of_xdist: bool) -> OtherThreads:
    """Look at this process; with `of_xdist` leave out the thread by which a worker hears from its controller.

    That one is in each worker, and waits for the pipe; nobody could do anything about it.
    """
    frames = sys._current_frames()
    del frames[threading.get_ident()]
    known = {thread.ident: thread.name for thread in threading.enumerate() if thread.ident in frames}
    names = [f'"{name}"{_whose(frames[ident])}' for ident, name in known.items() if ident is not None]
    for frame in (frame for ident, frame in frames.items() if ident not in known):
        oldest = _from_the_oldest(frame)[0]
        if not (of_xdist and _module(oldest).startswith("execnet.")):
            names.append(f"one that runs {_module(oldest)}.{oldest.f_code.co_name}")
    return OtherThreads(tuple(names), _native())


def _whose(frame: FrameType) -> str:
    """Give the module that the thread began in: a name such as `Thread-1` tells nobody whom to ask."""
    modules = [_module(one) for one in _from_the_oldest(frame)]
    return next((f" of {module}" for module in modules if module.partition(".")[0] not in _BEGINNINGS), "")


def _from_the_oldest(frame: FrameType | None) -> list[FrameType]:
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _native() -> int:
    surplus = 0
    for pause in _PAUSES:
        time.sleep(pause)
        surplus = _tasks() - len(sys._current_frames())
        if surplus <= 0:
            return 0
    return surplus


def _tasks() -> int:
    """Count the threads that the kernel has of this process; 0 where it does not tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


class ThreadsWarning:
    """Warns once in a run."""

    def __init__(self, config: pytest.Config, filters: Sequence[WarningFilter]) -> None:
        """`filters` are those in force outside of any test, the user's among them."""
        self._config = config
        self._filters = filters
        self._given = not config.pluginmanager.hasplugin("warnings")

    def before_fork(self) -> None:
        """Raise UsageError where a filter asks for an error in so many words."""
        if self._given:
            return
        found = other_threads(of_xdist=hasattr(self._config, "workerinput"))
        if not found:
            return
        self._given = True
        try:
            self._warn(_words(found))
        except ThreadsBeforeForkWarning as error:
            raise pytest.UsageError(str(error)) from None

    def _warn(self, text: str) -> None:
        """Let pytest show it as one of the run: raised as a warning here, it would be the first test's that forks."""
        with warnings.catch_warnings(record=True) as recorded:
            warnings.resetwarnings()
            warnings.filters.extend(map(_not_by_the_way, self._filters))  # type: ignore[attr-defined]
            warnings.warn(ThreadsBeforeForkWarning(text), stacklevel=1)
        for message in recorded:
            self._config.hook.pytest_warning_recorded.call_historic(
                kwargs={"warning_message": message, "nodeid": "", "when": "config", "location": None}
            )


def _not_by_the_way(entry: WarningFilter) -> WarningFilter:
    """Let a filter that makes errors of all sorts of warnings show this one: no test has done anything wrong."""
    action, message, category, *place = entry
    meant = message is not None or issubclass(category, ThreadsBeforeForkWarning)
    return entry if action != "error" or meant else ("always", message, category, *place)


def _words(found: OtherThreads) -> str:
    return " ".join(_sentences(found))


def _sentences(found: OtherThreads) -> Iterator[str]:
    yield f"The pytest process has other threads when it forks a child for a test: {found}."
    yield "A lock that one of them holds at that moment stays locked in the child, and the test may hang on it."
    yield "Start them in a fixture of the tests that need them, or end them before the first test that is forked."
