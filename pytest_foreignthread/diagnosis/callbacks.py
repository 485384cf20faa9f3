"""Causes of a crash in a callback that outlived its Python object, or the code that had submitted it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import Final

from ..model.fault_signals import MEMORY
from ..model.outcomes import Phase
from ..model.records import Diagnosis
from ..model.roles import awaits_the_body, is_foreign_born, is_java_born, is_native_born, is_service
from ..model.stacks import Awaited, Frame, Gil, NativeFrame, PythonFrame, Thread
from ..model.wording import called, frame_words, native_words
from .case import Case

# The functions of CPython's Modules/_ctypes/callbacks.c that lead from C to the Python function.
_TO_CALLBACK: Final = ("closure_fcn", "_CallPythonObject")
# CPython's inline functions, which pystack shows as frames of ctypes. Those that lower a reference count do not count:
# they may be about what the callback returned. `PyCData_…` and the like are ctypes' own functions.
_INLINE: Final = re.compile(r"_?Py(?!C[A-Z])(?!\w*DECREF)\w+")
# What CPython's loop calls when another thread wants the GIL; from 3.12 on pystack hides it.
_IN_LOOP: Final = re.compile(r"eval_frame_handle_pending|_Py_HandlePending")
_TAKES_GIL: Final = re.compile(r"take_gil")
_PLUGINS_FILE: Final = re.compile(r"[/\\]pytest_foreignthread[/\\]")


def collected_proxy(case: Case) -> Diagnosis | None:
    """Find a callback of ctypes that C called after its Python object was freed.

    Proof is a bad address in the functions of ctypes that lead to the Python function: they read only what belongs to
    the callback.
    """
    thread, fatal = case.thread, case.fault
    if fatal is None or fatal.signal not in MEMORY:
        return None
    # HotSpot's frame first; the frames of pystack are used if HotSpot wrote none.
    top = [] if thread is None else _native_top(thread)
    frames = [*_without_inline(fatal.native_frames)[:1], *_without_inline(top)[:1]]
    crashed = next((frame for frame in frames if _leads_to_a_callback(frame)), None)
    if crashed is None and _closure_without_names(top):
        crashed = top[0]
    if crashed is None:
        return None
    caller = [] if thread is None else thread.python_frames[:1]
    return Diagnosis(
        "collected-proxy",
        "C called a callback of ctypes whose Python object had been freed",
        "keep what CFUNCTYPE returned for as long as C may call it: in an attribute of the object that registers it, "
        "or in a module's variable; and take it back from C before it goes",
        (
            f"the crash is in {native_words(crashed)}, which reads nothing but what belongs to the callback",
            *(f"the callback was called below {frame_words(frame)}" for frame in caller),
        ),
    )


def _without_inline(frames: Sequence[NativeFrame]) -> list[NativeFrame]:
    return list(dropwhile(lambda frame: _is_in(frame, "_ctypes") and _INLINE.fullmatch(frame.function or ""), frames))


def _leads_to_a_callback(frame: NativeFrame) -> bool:
    return frame.function in _TO_CALLBACK and _is_in(frame, "_ctypes")


def _closure_without_names(frames: Sequence[NativeFrame]) -> bool:
    """Return whether C called ctypes through a closure of libffi's, in a Python without symbols, as Debian's is.

    The crash is in libffi's closure, or in at most two nameless frames of ctypes above it, those of `_TO_CALLBACK`: a
    third one would be a converter, which reads an argument. libffi's function `ffi_call`, which has a name in any
    build, would mean that Python called a function of ctypes' own. Below libffi stands the C code that called.
    """
    ours = list(takewhile(lambda frame: frame.function is None and _is_in(frame, "_ctypes"), frames))
    closure = list(takewhile(lambda frame: _is_in(frame, "libffi"), frames[len(ours) :]))
    caller = frames[len(ours) + len(closure) :][:1]
    return (
        len(ours) <= len(_TO_CALLBACK)
        and bool(closure)
        and all(frame.function != "ffi_call" for frame in closure)
        and any(not _is_in(frame, "_ctypes") for frame in caller)
    )


def _native_top(thread: Thread) -> list[NativeFrame]:
    """Return the C frames above the newest frame of Python or Java."""
    frames: list[NativeFrame] = []
    for frame in thread.frames:
        if not isinstance(frame, NativeFrame):
            break
        frames.append(frame)
    return frames


def _is_in(frame: NativeFrame, library: str) -> bool:
    return (frame.library or "").startswith(library)


def late_callback(case: Case) -> Diagnosis | None:
    """Find a callback that crashed after the code that had submitted it had returned or had given up waiting.

    The crashing thread must be one that Python did not make, must run Python code, and must not be the thread that runs
    the test's body. Proof is that a function of the test runs on after the test, or that all other threads run Python
    code: then none waits for the callback, and the call that submitted it is on no stack. A crash while the caller
    still waits is not late.
    """
    thread = case.thread
    # Only in the call: after the body, a pool uses the same thread for other callbacks.
    is_body = case.phase is Phase.CALL and thread is not None and case.is_body(thread)
    sent = case.fault is None and case.evidence.fatal_error is not None
    if thread is None or is_body or sent or not _called_by_others(thread, case):
        return None
    left = _left_the_test(case, thread) or _no_waiter(case, thread)
    if left is None:
        return None
    return Diagnosis(
        "late-callback",
        f"the callback crashed on {called(thread)} after the code that had submitted it had gone on",
        "keep alive whatever the callback uses until it has ended: own its references (Py_INCREF), and cancel it or "
        "wait for it (Future.get without a time limit, shutdown and awaitTermination) before you let go",
        (left,),
    )


def _called_by_others(thread: Thread, case: Case) -> bool:
    born = is_java_born(thread) or is_native_born(thread) or (not case.jvm and is_foreign_born(thread))
    return born and bool(thread.python_frames)


def _left_the_test(case: Case, thread: Thread) -> str | None:
    """Return a proof that a function which is defined inside the test ran on after the test; None if none did.

    In the teardown the test has returned, so such a function is a callback that the test did not wait for.
    """
    if case.phase is not Phase.TEARDOWN or case.body is None:
        return None
    file, first, last = case.body
    inside = [frame for frame in thread.python_frames if frame.file == file and first <= (frame.line or 0) <= last]
    return f"{frame_words(inside[0])} is part of the test, and the test had returned" if inside else None


def _no_waiter(case: Case, thread: Thread) -> str | None:
    # Without pystack's stacks it is unknown whether a thread runs or waits.
    if not case.evidence.native_threads:
        return None
    others = [one for one in case.evidence.threads if one is not thread and not is_service(one) and one.stacks]
    if any(_may_wait(one, case) for one in others):
        return None
    places = [f"{called(one)} is in {frame_words(_newest_frame(one))}" for one in others if not awaits_the_body(one)]
    return f"no thread waits for it: {'; '.join(places)}" if places else None


def _newest_frame(thread: Thread) -> Frame:
    """Return the newest Python frame; the newest frame of another language if there is no Python frame."""
    return (*thread.python_frames, *thread.frames)[0]


def _may_wait(thread: Thread, case: Case) -> bool:
    """Return whether the thread may wait for the callback, or be in the call that submitted it.

    The main thread's wait for the body of the test does not count, unless the body ran on the main thread.
    """
    if awaits_the_body(thread):
        return case.body_ident is None
    return any(wait.kind is not Awaited.GIL for wait in thread.waits) or not _runs_python(thread)


def _runs_python(thread: Thread) -> bool:
    """Return whether the thread runs code of Python's: it is in no call that lets another thread run meanwhile.

    It has the GIL, or wants it back from within the loop of the interpreter. A thread that wants it back after a call,
    if only of `time.sleep`, may have looked in that way whether the callback has ended. A call into a library may be
    the one that submitted the callback and waits for it, also if that library has called Python on this thread. The
    frames of this plugin's and below are those that called the body of the test.
    """
    frames = list(takewhile(lambda frame: not _is_plugins(frame), thread.frames))
    if thread.apart is not None or not all(map(_is_of_python_or_c, frames)):
        return False
    if thread.gil is not Gil.WAITS:
        return thread.gil is Gil.HOLDS
    top = list(takewhile(lambda frame: not isinstance(frame, PythonFrame), frames))
    # In a Python without symbols take_gil is the newest of its frames. A call that let go of the GIL has another one.
    rest = list(dropwhile(lambda frame: not _is_named(frame, _TAKES_GIL), top)) or list(dropwhile(_has_name, top))
    return bool(rest) and all(_is_named(frame, _IN_LOOP) for frame in rest[1:])


def _is_plugins(frame: Frame) -> bool:
    return isinstance(frame, PythonFrame) and _PLUGINS_FILE.search(frame.file) is not None


def _has_name(frame: Frame) -> bool:
    return frame.function is not None


def _is_named(frame: Frame, names: re.Pattern[str]) -> bool:
    return isinstance(frame, NativeFrame) and names.fullmatch(frame.function or "") is not None


def _is_of_python_or_c(frame: Frame) -> bool:
    if isinstance(frame, NativeFrame):
        return frame.is_pythons or _is_in(frame, "libc.so") or _is_in(frame, "libpthread.so")
    return isinstance(frame, PythonFrame)
