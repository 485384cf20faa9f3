"""Causes of a crash or a hang while the interpreter is finalized (`finalize=True`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

from ..model.observation import Exited
from ..model.outcomes import Outcome, Phase
from ..model.records import Diagnosis
from ..model.roles import MAIN, is_at_rest, is_executors, is_service, is_worker
from ..model.stacks import Frame, NativeFrame, NativeThread, PythonFrame, Thread
from ..model.wording import called, frame_words
from .case import Case

_THREADING: Final = re.compile(r"[/\\]threading\.py$")
_EXECUTORS: Final = re.compile(r"[/\\]concurrent[/\\]futures[/\\]thread\.py$")
_JPYPE: Final = re.compile(r"[/\\]jpype[/\\]_core\.py$")
_SHUTS_JVM_DOWN: Final = ("_JTerminate", "shutdownJVM")
_FINALIZE: Final = re.compile(r"_?Py_Finalize(?:Ex)?")
_FINALIZES: Final = re.compile(rf"{_FINALIZE.pattern}|Py_Exit")
# The first steps of Py_FinalizeEx: Python joins threads and calls the handlers of atexit. All threads may still run
# Python code then, so a crash of another thread at that time is not caused by the exit.
_BEGINS_BY: Final = re.compile(r"wait_for_thread_shutdown|_?PyAtExit_Call|atexit_callfuncs|_PyAtExit_.*")
_AFTER_IT: Final = re.compile(r"(?:__)?exit|__run_exit_handlers|_dl_fini|__cxa_finalize")
_TAKES_GIL: Final = re.compile(r"PyGILState_Ensure|PyEval_(?:RestoreThread|Acquire\w+)|_?PyThreadState_Attach|take_gil")
_ENDS_THREAD: Final = re.compile(
    r"pthread_exit|_*PyThread_exit_thread|_Unwind_ForcedUnwind|_*pthread_unwind|unwind_stop"
)
# In the last two glibc prints that the exception was not rethrown. Their frames are needed as a proof because glibc may
# print that to the terminal, and then the captured output does not have the text.
_GIL_OR_GLIBCS_WORD: Final = re.compile(rf"{_TAKES_GIL.pattern}|(?:__)?libc_fatal|__libc_message.*")
_HANGS_THREAD: Final = re.compile(r"_?PyThread(?:State)?_(?:hang_thread|HangThread)")
_NOT_RETHROWN: Final = "FATAL: exception not rethrown"
"""What glibc prints when C++ code catches the exception that unwinds the stack of an ending thread, and keeps it."""
_NOT_CURRENT: Final = "scoped_acquire::dec_ref(): thread state must be current!"
"""What a destructor of pybind11's throws, if built without NDEBUG, while the stack of an ending thread is unwound."""
_OF_THREADS: Final = (
    "tell the thread to end, and join it, before the program ends (an Event, a None in its queue); or, if it may be "
    "cut off anywhere, make it a daemon"
)
_OF_EXECUTORS: Final = (
    "let the executor's tasks end before the program does: give what they wait for a time limit or an Event, and call "
    "Executor.shutdown(cancel_futures=True)"
)
_OF_HANDLERS: Final = (
    "let what calls Python run before Python ends: register it with the module atexit, not with atexit() of C, and not "
    "in the destructor of a static object; or look for Py_IsInitialized() before the call"
)
_HELP: Final = (
    "end the threads that call Python before Python ends: close the pool in an atexit handler, or in a method that the "
    "program calls, never in a destructor; release the GIL (Py_BEGIN_ALLOW_THREADS) while you join them"
)


def callback_at_exit(case: Case) -> Diagnosis | None:
    """Find a thread that C, C++ or Java made and that called Python, or came back to it, while Python was finalized.

    At that time Python lets no thread run but the main thread. After it no thread may call Python, nor may the main
    thread in a handler of libc's `exit`.
    """
    if case.phase is not Phase.EXIT:
        return None
    if (after := _called_by_exit(case)) is not None:
        return after
    found = (
        _hung_by_python(case) if case.outcome is Outcome.HANG else _ended_by_python(case) or _crashed_in_python(case)
    )
    if found is None:
        return None
    thread, words, proof = found
    main = _finalizing(case.evidence.native_threads)
    proofs = (proof, *([f"meanwhile the main thread was in {_what_main_does(main)}"] if main is not None else []))
    return Diagnosis(
        "callback-at-exit", f"{_named(thread)} called Python while Python finalized: {words}", _HELP, proofs
    )


def _called_by_exit(case: Case) -> Diagnosis | None:
    """Find a handler of libc's `exit` that called Python on the main thread, which had finalized Python.

    Proof is a crash in Python's own code, or below what takes the GIL, between which and `exit` no Python runs. The
    child calls Py_Exit, which calls `exit` after Py_FinalizeEx: handlers that run inside that one are of an `exit` that
    other code called too early. Py_Exit itself has no name on the stack if `exit` is the last that it does.
    """
    thread = case.thread
    if thread is None or case.fault is None or not _is_main(thread, case):
        return None
    newer = list(takewhile(lambda frame: not _is_native(frame, _AFTER_IT), thread.frames))
    older = thread.frames[len(newer) :]
    if not older or any(isinstance(frame, PythonFrame) or _is_native(frame, _FINALIZE) for frame in thread.frames):
        return None
    takes = _first([frame for frame in newer if isinstance(frame, NativeFrame)], _TAKES_GIL)
    crashed = takes or (_newest_of_python(case, thread) if newer else None)
    if crashed is None:
        return None
    return Diagnosis(
        "callback-at-exit",
        f"{called(thread)} called Python after Python had finalized: a handler of the C library's exit() did so",
        _OF_HANDLERS,
        (
            f"{called(thread)} crashed in {frame_words(crashed)}",
            f"it was called by {frame_words(older[0])}, after Py_FinalizeEx",
        ),
    )


def _newest_of_python(case: Case, thread: Thread) -> NativeFrame | None:
    """Return the frame that crashed, or called abort(), if it is of Python's own code.

    If no program counter tells, it is the newest that pystack shows, which hides frames of Python's own and no others.
    """
    fatal = case.evidence.fatal_error
    newest = next(iter((fatal.native_frames if fatal is not None else ()) or thread.frames), None)
    return newest if isinstance(newest, NativeFrame) and newest.is_pythons else None


_Found = tuple[Thread | None, str, str]
"""The thread (None if it is not known), what happened to it, and the proof."""


def _ended_by_python(case: Case) -> _Found | None:
    """Find a thread that Python ended while C++ code on its stack did not allow that.

    Python before 3.14 ends a thread that takes the GIL by pthread_exit, which unwinds the stack. C++ code with
    `noexcept`, or a `catch (...)` that does not rethrow, turns that into abort(). Proof is either what glibc prints, or
    an abort on a thread whose C stack has both pthread_exit and the function that takes the GIL (or glibc's message).
    A stack with pthread_exit and without these is no proof: a library may end its own threads.

    While a destructor runs, the frame of pthread_exit is gone from the stack. A destructor of pybind11's then says that
    it has no thread state: that is a proof, unless the main thread was seen elsewhere than in the finalization.
    """
    thread = case.thread
    frames = () if thread is None else thread.native_frames
    ended = _first(frames, _ENDS_THREAD)
    if thread is not None and _is_main(thread, case):
        return None
    exited = isinstance(case.observation.end, Exited) and case.evidence.fatal_error is None
    # An abort follows these words: a child that exited had the text from elsewhere. The signal is not checked, because
    # the handler of SIGABRT may crash in its turn.
    if _NOT_RETHROWN in case.evidence.stderr and not exited:
        proof = f'glibc said "{_NOT_RETHROWN}"'
    elif _NOT_CURRENT in case.evidence.stderr and not exited and _may_finalize(case):
        proof = f'pybind11 said "{_NOT_CURRENT}"'
    elif case.signal == "SIGABRT" and ended is not None and _first(frames, _GIL_OR_GLIBCS_WORD) is not None:
        proof = f"{_named(thread)} was in {frame_words(ended)}"
    else:
        return None
    return (
        thread,
        "Python ends such a thread by pthread_exit, and C++ code on its stack did not let that through",
        proof,
    )


def _may_finalize(case: Case) -> bool:
    """Return whether the main thread was past the first steps of Py_FinalizeEx, or nobody saw where it was."""
    threads = case.evidence.native_threads
    return _finalizing(threads) is not None or all(one.native_id != case.main_native_id for one in threads)


def _named(thread: Thread | None) -> str:
    return "a thread" if thread is None else called(thread)


def _crashed_in_python(case: Case) -> _Found | None:
    thread, main = case.thread, _finalizing(case.evidence.native_threads)
    if thread is None or main is None or _is_main(thread, case) or thread.native_id == main.native_id:
        return None
    frame = _first(thread.native_frames, _TAKES_GIL) or _newest_of_python(case, thread)
    if frame is None and not thread.python_frames:
        return None
    where = frame_words(frame if frame is not None else thread.python_frames[0])
    return thread, "what it needed of Python was gone", f"{called(thread)} crashed in {where}"


def _hung_by_python(case: Case) -> _Found | None:
    """Find a thread that Python stopped. Python 3.14 and later let it wait forever, and so whatever joins it hangs."""
    for thread in case.evidence.threads:
        frame = _first(thread.native_frames, _HANGS_THREAD)
        if frame is not None and not _is_main(thread, case):
            return thread, "Python stops such a thread for good", f"{called(thread)} stands in {frame_words(frame)}"
    return None


def _finalizing(threads: Iterable[NativeThread]) -> NativeThread | None:
    """Return the main thread if it is in Py_FinalizeEx, past the steps in which other threads may still run."""
    for thread in threads:
        names = [frame.function or "" for frame in thread.frames if isinstance(frame, NativeFrame)]
        if any(map(_FINALIZES.fullmatch, names)):
            newer = list(takewhile(lambda name: not _FINALIZES.fullmatch(name), names))
            # A Python without symbols does not name the step that it is in.
            is_unknown = bool(newer) and not newer[-1]
            return None if is_unknown or any(map(_BEGINS_BY.fullmatch, newer)) else thread
    return None


def _what_main_does(main: NativeThread) -> str:
    """Return what the main thread does: the newest Python line inside the finalization, or the stage of the exit."""
    newer = list(takewhile(lambda frame: not _is_native(frame, _FINALIZES), main.frames))
    code = next((frame for frame in newer if isinstance(frame, PythonFrame)), None)
    if code is not None:
        return f"{frame_words(code)}, called by Py_FinalizeEx"
    after = any(_is_native(frame, _AFTER_IT) for frame in newer)
    return "exit, after Py_FinalizeEx" if after else "Py_FinalizeEx"


def _is_native(frame: Frame, names: re.Pattern[str]) -> bool:
    return isinstance(frame, NativeFrame) and names.fullmatch(frame.function or "") is not None


def _first(frames: Sequence[NativeFrame], names: re.Pattern[str]) -> NativeFrame | None:
    return next((frame for frame in frames if _is_native(frame, names)), None)


def _is_main(thread: Thread, case: Case) -> bool:
    return thread.name == MAIN or (thread.native_id is not None and thread.native_id == case.main_native_id)


def java_thread_keeps_running(case: Case) -> Diagnosis | None:
    """Find Java threads for which JPype's shutdown of the JVM waits: all that are not daemons.

    Proof is that the main thread is in that shutdown. If it has Java frames, it runs Java code, which may be what does
    not return.
    """
    main = _main(case)
    if main is None or main.java_frames or not any(map(_shuts_jvm_down, main.python_frames)):
        return None
    kept = [one for one in case.evidence.threads if one.daemon is False and one.java_state and _is_other(one, main)]
    if not kept:
        return None
    return Diagnosis(
        "java-thread-keeps-running",
        f"the JVM does not end before {_all_of(kept)}, which {'is' if len(kept) == 1 else 'are'} not marked as "
        f"{'a daemon' if len(kept) == 1 else 'daemons'}; Python waits for the JVM",
        "shut the pool down where it was made (ExecutorService.shutdown, in a finally block or a fixture's teardown), "
        "or let its threads be daemons (ThreadFactory, Thread.setDaemon)",
        (*_lines(kept), "the main thread is in JPype's shutdown of the JVM"),
    )


def _shuts_jvm_down(frame: PythonFrame) -> bool:
    return frame.function in _SHUTS_JVM_DOWN and _JPYPE.search(frame.file) is not None


def thread_keeps_running(case: Case) -> Diagnosis | None:
    """Find Python threads for which `threading._shutdown` waits: all that are not daemons, and executors' threads.

    Frames above `_shutdown` may only be those of `threading` and of the executors: any other frame is of other code
    that runs at the exit, and that code may be what does not return.
    """
    main = _main(case)
    frames = () if main is None else main.python_frames
    newer = list(takewhile(lambda frame: not _is_shutdown(frame), frames))
    if main is None or len(newer) == len(frames) or not all(map(_joins, newer)):
        return None
    executor = any(_EXECUTORS.search(frame.file) for frame in newer)
    kept = [one for one in case.evidence.threads if _is_other(one, main) and _is_joined(one, executor=executor)]
    if not kept:
        return None
    how = "that belongs to an executor" if executor else "that is no daemon"
    return Diagnosis(
        "thread-keeps-running",
        f"Python does not end before {_all_of(kept)}: at its end it waits for each thread {how}",
        _OF_EXECUTORS if executor else _OF_THREADS,
        (*_lines(kept), f"the main thread is in {frame_words(frames[len(newer)])}"),
    )


def _is_shutdown(frame: PythonFrame) -> bool:
    return frame.function == "_shutdown" and _THREADING.search(frame.file) is not None


def _joins(frame: PythonFrame) -> bool:
    return any(file.search(frame.file) for file in (_THREADING, _EXECUTORS))


def _is_joined(thread: Thread, *, executor: bool) -> bool:
    if not executor:
        return thread.python_id is not None and thread.daemon is False
    return is_executors(thread)


def _main(case: Case) -> Thread | None:
    if case.phase is not Phase.EXIT or case.outcome is not Outcome.HANG:
        return None
    return next((thread for thread in case.evidence.threads if _is_main(thread, case)), None)


def _is_other(thread: Thread, main: Thread) -> bool:
    return thread is not main and not is_service(thread)


def _all_of(threads: Sequence[Thread]) -> str:
    names = [called(thread) for thread in threads]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1][:3])} and {_last(names)}"


def _last(names: Sequence[str]) -> str:
    return names[-1] if len(names) <= 4 else f"{len(names) - 3} more"


def _lines(threads: Sequence[Thread]) -> list[str]:
    return [f"{called(thread)} {_what_it_does(thread)}" for thread in threads[:4]]


def _what_it_does(thread: Thread) -> str:
    if is_worker(thread) and is_at_rest(thread):
        return "belongs to a pool that was not shut down, and waits for its next task"
    frames: tuple[Frame, ...] = (*thread.python_frames, *thread.java_frames, *thread.native_frames)
    return f"is in {frame_words(frames[0]) if frames else 'unknown code'}"
