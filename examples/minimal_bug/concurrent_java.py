"""The java.util.concurrent side of a bridge: who runs a task, and how long its caller waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jpype
from foreign import Handle, bound, constructor, implementing, method, static_method, then, typed

FUTURE = "java.util.concurrent.CompletableFuture"
OBJECT = "java.lang.Object"
TIMEOUT = "java.util.concurrent.TimeoutException"


@dataclass(frozen=True)
class Patience:
    """How long a caller waits, and what it is answered when the time is over."""

    milliseconds: int
    otherwise: str


def fixed_pool(size: int) -> Any:
    return jpype.JClass("java.util.concurrent.Executors").newFixedThreadPool(size)


def callers_thread() -> Any:
    """An Executor that calls `run()` at once."""
    return implementing("java.util.concurrent.Executor", method("java.lang.Runnable", "run", "void"))


def thread_not_started() -> Any:
    """An Executor that calls `new Thread(task).run()`, not `start()`: still the caller's thread."""
    new_thread = constructor("java.lang.Thread", "java.lang.Runnable")
    return implementing("java.util.concurrent.Executor", then(new_thread, method("java.lang.Thread", "run", "void")))


def submitted(task: Handle, executor: Any) -> Handle:
    """From a long to the future of `task(long)`, which `executor` runs."""
    function = implementing("java.util.function.Function", typed(task, OBJECT, OBJECT))
    completed = typed(static_method(FUTURE, "completedFuture", FUTURE, OBJECT), FUTURE, "long")
    apply = method(FUTURE, "thenApplyAsync", FUTURE, "java.util.function.Function", "java.util.concurrent.Executor")
    return then(completed, bound(apply, 1, function, executor))


def awaited(patience: Patience | None) -> Handle:
    """From a future to its long; throws TimeoutException or InterruptedException, and what the task threw wrapped."""
    if patience is None:
        return typed(method(FUTURE, "get", OBJECT), "long", FUTURE)
    units = jpype.JClass("java.util.concurrent.TimeUnit")
    get = method(FUTURE, "get", OBJECT, "long", "java.util.concurrent.TimeUnit")
    return typed(bound(get, 1, jpype.JLong(patience.milliseconds), units.MILLISECONDS), "long", FUTURE)


def interrupt_this_thread_in(milliseconds: int) -> None:
    """Have another Java thread interrupt the one that calls, as ^C in a REPL does."""
    threads = jpype.JClass("java.lang.Thread")
    interrupt = method("java.lang.Thread", "interrupt", "void").bindTo(threads.currentThread())
    other = jpype.JClass("java.util.concurrent.Executors").newSingleThreadScheduledExecutor()
    unit = jpype.JClass("java.util.concurrent.TimeUnit").MILLISECONDS
    other.schedule(implementing("java.lang.Runnable", interrupt), milliseconds, unit)
    other.shutdown()
