"""How a task gets onto the thread that a mode names: `java.util.concurrent` and `threading`, a way for each mode."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from ...model.settings import VIRTUAL_SINCE, needs_newer_jdk

_POOL_SIZE: Final = 4
_ENDING: Final = 0.1
"""Seconds that a thread has to end in, once its task is done."""
_LOOK: Final = 0.0002


class PythonTask:
    """A thread that Python made, with as much of a `FutureTask` as is asked of one."""

    def __init__(self, function: Callable[[], object], name: str) -> None:
        self._thread = threading.Thread(target=function, name=name)
        self._thread.start()

    def isDone(self) -> bool:
        return not self._thread.is_alive()

    def get(self) -> None:
        self._thread.join()


class Launchers:
    """Starts `FutureTask`s. The pools of one test are made when they are first needed."""

    def __init__(self, own: Mapping[str, Callable[[Any], object]]) -> None:
        self._numbers = itertools.count(1)
        self._pools: dict[str, Any] = {}
        self._newest: tuple[Any, Any] | None = None
        """The last task that was given a thread of its own, and that thread."""
        self._by_mode: Mapping[str, Callable[[Any], object]] = {
            "same": lambda task: task.run(),
            "new": self._new,
            "pool": lambda task: self._pool("newFixedThreadPool").execute(task),
            "virtual": self._virtual,
            "forkjoin": self._forkjoin,
            "scheduled": self._scheduled,
            **own,
        }

    def close(self) -> None:
        """Let the threads of the pools end once they have done what they were given."""
        from . import jvm

        for pool in self._pools.values() if jvm.is_started() else ():
            pool.shutdown()

    def launch(self, mode: str, task: Any) -> None:
        __tracebackhide__ = True
        self._by_mode[mode](task)

    def python_task(self, function: Callable[[], object]) -> PythonTask:
        return PythonTask(function, f"python-{next(self._numbers)}")

    def _new(self, task: Any) -> None:
        thread = _java("java.lang.Thread")(task, f"foreign-{next(self._numbers)}")
        self._newest = task, thread
        thread.start()

    def let_end(self, task: Any) -> None:
        """Wait a moment for the thread of a task that is done: to look at one at a phase's end takes longer."""
        from . import jvm

        if self._newest is None or self._newest[0] is not task:
            return
        give_up = time.monotonic() + _ENDING
        # No join(): it would take notice of an interruption that the test has left standing.
        while jvm.is_started() and self._newest[1].isAlive() and time.monotonic() < give_up:
            time.sleep(_LOOK)

    def _virtual(self, task: Any) -> None:
        if (release := int(_java("java.lang.Runtime").version().feature())) < VIRTUAL_SINCE:
            pytest.skip(needs_newer_jdk(str(release)))
        _java("java.lang.Thread").ofVirtual().name(f"virtual-{next(self._numbers)}").start(task)

    def _forkjoin(self, task: Any) -> None:
        # Where there is one processor to spare or none, CompletableFuture takes a new thread for each task in place of
        # the common pool (JDK 24 and older), but not in place of one that it does not recognize.
        common = _java("java.util.concurrent.ForkJoinPool").commonPool()
        pool = _java("java.util.concurrent.Executors").unconfigurableExecutorService(common)
        _java("java.util.concurrent.CompletableFuture").runAsync(task, pool)

    def _scheduled(self, task: Any) -> None:
        at_once = (0, _java("java.util.concurrent.TimeUnit").MILLISECONDS)
        self._pool("newScheduledThreadPool").schedule(task, *at_once)

    def _pool(self, maker: str) -> Any:
        if maker not in self._pools:
            self._pools[maker] = getattr(_java("java.util.concurrent.Executors"), maker)(_POOL_SIZE)
        return self._pools[maker]


def _java(name: str) -> Any:
    from . import jvm

    return jvm.java(name)
