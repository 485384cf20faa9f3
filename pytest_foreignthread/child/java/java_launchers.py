"""Launchers of callbacks onto Java threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest

from ...model.settings import VIRTUAL_SINCE, needs_newer_jdk
from ..bridge_errors import BridgeError
from ..thread_attributes import ThreadAttributes, signals_blocked
from . import jvm

_ENDING: Final = 0.1
"""Seconds to wait for a thread to end after its task is done."""
_ENDING_MILLISECONDS: Final = round(1000 * _ENDING)
_LOOK: Final = 0.0002
"""Seconds between two checks whether the task, or its thread, has ended."""


class JavaTask:
    """A `FutureTask` that Java runs."""

    def __init__(self, task: Any, future: Any = None) -> None:
        """`future` is what the launcher has got, if that is not the task: a `FutureTask` that runs the task."""
        self.task = task
        self.future = task if future is None else future

    def is_done(self) -> bool:
        return not jvm.is_started() or bool(self.task.isDone())

    def result(self) -> None:
        """Wait until the Java side has returned from the callback; raise what the Java side threw."""
        __tracebackhide__ = True
        while jvm.is_started():
            here = _java("java.lang.Thread").currentThread()
            if here.isInterrupted() and not self.is_done():
                # get() would raise InterruptedException, and clear the interruption that the test has left pending.
                time.sleep(_LOOK)
                continue
            try:
                self.task.get()
                break
            except _java("java.util.concurrent.ExecutionException") as error:
                raise jvm.python_exception(error.getCause()) from None
            except _java("java.lang.InterruptedException"):
                here.interrupt()


class JavaLaunchers:
    """Starts `FutureTask`s. The pools of a test are created at their first use."""

    def __init__(self, numbers: Iterator[int], how: ThreadAttributes, size: int, *, cancels: bool = False) -> None:
        """`size` is the most threads that a pool has; `cancels` is whether tasks may be cancelled."""
        self._numbers = numbers
        self._size = size
        self._how = how
        self._cancels = cancels
        self._pools: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._newest: tuple[Any, Any] | None = None
        """The last future that got a thread of its own, and that thread."""
        self._by_name: Mapping[str, Callable[[Any], object]] = {
            "java_in_place": lambda task: task.run(),
            "java_thread": self._new,
            "java_pool": lambda task: self._pool("newFixedThreadPool").execute(task),
            "java_virtual_thread": self._virtual,
            "java_forkjoin": self._forkjoin,
            "java_scheduled": self._scheduled,
        }

    def close(self) -> None:
        """Let the threads of the pools end after the tasks that the pools already have."""
        for pool in self._pools.values() if jvm.is_started() else ():
            pool.shutdown()

    def launch(self, launcher: str | Callable[[Any], object], made: object) -> JavaTask:
        """Run a Runnable on a thread of the named launcher, or by the project's own launcher; return its task."""
        __tracebackhide__ = True
        task = future = _future_task(made)
        if self._cancels:
            # A cancelled FutureTask says that it is done while it still runs, and drops what was thrown.
            future = jvm.java("java.util.concurrent.FutureTask")(task, None)
        (self._by_name[launcher] if isinstance(launcher, str) else launcher)(future)
        return JavaTask(task, future)

    def _new(self, task: Any) -> None:
        # A stack size of 0 means the JVM's default.
        name, size = f"foreign-{next(self._numbers)}", self._how.stack or 0
        thread = _java("java.lang.Thread")(None, task, name, size)
        self._newest = task, thread
        with signals_blocked(self._how.block_signals):
            thread.start()

    def cancel(self, task: object) -> None:
        """Cancel the future of a task. The task itself goes on, and says when it has ended and what it raised."""
        if isinstance(task, JavaTask) and jvm.is_started():
            # True would interrupt the call, which breaks correct tests.
            task.future.cancel(False)

    def let_end(self, task: object) -> None:
        """Wait briefly for the end of a thread whose task is done.

        Otherwise the thread would be found alive at the end of the phase, and that check takes longer than this wait.
        """
        newest = self._newest
        if newest is None or not isinstance(task, JavaTask) or newest[0] is not task.future or not jvm.is_started():
            return
        thread, here = newest[1], _java("java.lang.Thread").currentThread()
        if here.isInterrupted():
            # join() would raise InterruptedException, and clear the interruption that the test has left pending.
            give_up = time.monotonic() + _ENDING
            while jvm.is_started() and thread.isAlive() and time.monotonic() < give_up:
                time.sleep(_LOOK)
            return
        try:
            thread.join(_ENDING_MILLISECONDS)
        except _java("java.lang.InterruptedException"):
            here.interrupt()

    def _virtual(self, task: Any) -> None:
        if (release := int(_java("java.lang.Runtime").version().feature())) < VIRTUAL_SINCE:
            pytest.skip(needs_newer_jdk(str(release)))
        _java("java.lang.Thread").ofVirtual().name(f"virtual-{next(self._numbers)}").start(task)

    def _forkjoin(self, task: Any) -> None:
        # With at most one spare processor, CompletableFuture of JDK 24 and older does not use the common pool: it
        # starts a thread for each task. The wrapper hides from it that the pool is the common one.
        common = _java("java.util.concurrent.ForkJoinPool").commonPool()
        pool = _java("java.util.concurrent.Executors").unconfigurableExecutorService(common)
        _java("java.util.concurrent.CompletableFuture").runAsync(task, pool)

    def _scheduled(self, task: Any) -> None:
        at_once = (0, _java("java.util.concurrent.TimeUnit").MILLISECONDS)
        self._pool("newScheduledThreadPool").schedule(task, *at_once)

    def _pool(self, maker: str) -> Any:
        with self._lock:
            if maker not in self._pools:
                self._pools[maker] = getattr(_java("java.util.concurrent.Executors"), maker)(self._size)
            return self._pools[maker]


def _future_task(made: object) -> Any:
    __tracebackhide__ = True
    try:
        runnable = jvm.runnable(made)
    except TypeError:
        raise BridgeError(f"expected a java.lang.Runnable of foreign_thread_bridge, got {made!r}") from None
    return jvm.java("java.util.concurrent.FutureTask")(runnable, None)


def _java(name: str) -> Any:
    return jvm.java(name)
