"""The same bridge, mended: Java waits without the GIL, owns what it uses, and never returns NULL in silence."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jpype
from concurrent_java import FUTURE, OBJECT, TIMEOUT, Patience, awaited, submitted
from foreign import (
    Handle,
    before,
    bound,
    builtin_function,
    catching,
    finally_,
    handles,
    ignoring,
    implementing,
    kind,
    libpython,
    method,
    static_method,
    then,
    typed,
)
from minimal_bug import SafelyClj, Thunk
from python_api import (
    calling,
    dropping_reference,
    holding_the_gil,
    new_reference,
    null,
    taking_reference,
    without_the_gil,
)

THROWABLE = "java.lang.Throwable"
SEGMENT = "java.lang.foreign.MemorySegment"


def function(executor: Any, patience: Patience | None = None, task: Handle = None) -> SafelyClj:
    """As the broken bridge's, but fit for threads; what the thunk raises reaches the caller."""
    callback = holding_the_gil(finally_(calling() if task is None else task, dropping_reference()))
    body = without_the_gil(then(submitted(callback, executor), taken_or_dropped(awaited(patience))))
    otherwise = patience and patience.otherwise
    if patience:
        body = catching(body, TIMEOUT, ignoring(new_reference(otherwise), 0, TIMEOUT))
    body = catching(body, THROWABLE, raising_runtime_error())
    # The callback, however late, gives this reference back; a pool that refuses the task leaks it.
    body = before(body, taking_reference())
    return partial(unwrapped, builtin_function("unnamed_function", body, otherwise))


def taken_or_dropped(wait: Handle) -> Handle:
    """`wait`, from a future to its result; a result that comes when the caller has given up loses its reference."""
    drop = holding_the_gil(before(ignoring(null(), 0, "long"), dropping_reference()))
    consumer = implementing("java.util.function.Consumer", typed(drop, "void", OBJECT))
    accept = bound(method(FUTURE, "thenAccept", FUTURE, "java.util.function.Consumer"), 1, consumer)
    rethrow = ignoring(handles().throwException(kind("long"), kind(THROWABLE)), 1, FUTURE)
    return catching(wait, THROWABLE, before(rethrow, ignoring(typed(accept, "void", FUTURE), 0, THROWABLE)))


def raising_runtime_error() -> Handle:
    """From a throwable to NULL with a RuntimeError set, which says what the throwable says."""
    arena = static_method("java.lang.foreign.Arena", "ofAuto", "java.lang.foreign.Arena")
    copied = method("java.lang.foreign.SegmentAllocator", "allocateFrom", SEGMENT, "java.lang.String")
    copied = handles().foldArguments(typed(copied, SEGMENT, "java.lang.foreign.Arena", "java.lang.String"), arena)
    text = then(method(THROWABLE, "toString", "java.lang.String"), copied)
    set_string = bound(libpython("PyErr_SetString", "void", "long", SEGMENT), 0, jpype.JLong(id(RuntimeError)))
    return before(ignoring(null(), 0, THROWABLE), then(text, set_string))


def runnable(function: Callable[[], object]) -> Any:
    """A java.lang.Runnable that calls `function`; what that raises is reported as on a thread of Python's own."""
    reporting = partial(reported, function)
    call = holding_the_gil(then(calling(), before(ignoring(null(), 0, "long"), dropping_reference())))
    # Java may keep the Runnable, and run it, for ever: the function's reference is taken and not given back.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(reporting))
    return implementing("java.lang.Runnable", typed(bound(call, 0, jpype.JLong(id(reporting))), "void"))


def reported(function: Callable[[], object]) -> None:
    try:
        function()
    except BaseException:
        threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


@dataclass(frozen=True)
class Answer:
    """What became of a thunk."""

    value: object = None
    raised: BaseException | None = None


def settled(thunk: Thunk) -> Answer:
    try:
        return Answer(thunk())
    except BaseException as error:
        # Left to the C API it would stay on the callback's thread and end with it.
        return Answer(raised=error)


def unwrapped(unnamed_function: SafelyClj, thunk: Thunk) -> object:
    answer = unnamed_function(partial(settled, thunk))
    if not isinstance(answer, Answer):
        return answer
    if answer.raised is not None:
        raise answer.raised
    return answer.value
