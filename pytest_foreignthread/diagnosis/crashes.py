"""Causes of a child's death."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile, takewhile
from typing import Final

from ..model.fault_signals import FATAL, FAULTHANDLERS_WORDS, MEMORY
from ..model.observation import RAISED, Exited
from ..model.outcomes import Outcome, Phase
from ..model.records import Diagnosis
from ..model.stacks import FatalError, Gil, NativeFrame, PythonFrame, Thread
from ..model.wording import called, frame_words, native_words
from .at_exit import callback_at_exit
from .callbacks import collected_proxy, late_callback
from .case import Case
from .checker_words import jni_misuse, memory_misuse
from .last_words import aborted
from .memory import java_heap_ended, oom_killed, stack_overflow

_KNOWN_LIBRARY: Final = re.compile(
    r"lib(?:c|m|pthread|dl|rt|gcc_s|stdc\+\+|ffi)[-.].*|ld-linux.*|_jpype.*"
    r"|lib(?:jvm|java|jli|jsig|jimage|nio|net|extnet|zip|verify|instrument|management\w*|simdsort|jsvml|syslookup)\.so"
)
# The directory of the standard library's own extension modules.
_STANDARD_LIBRARY: Final = "/lib-dynload/"
_EXTENSION: Final = re.compile(r".*\.(?:cpython-|abi3).*")
_HEAD: Final = re.compile(rf"^{FATAL}.{{1,500}}", re.MULTILINE)
# The functions that take the GIL, and so may be called without it: a crash in or below one of them is no proof.
_TAKES_GIL: Final = re.compile(
    r"PyGILState_Ensure|PyEval_(?:RestoreThread|Acquire\w+)|take_gil|_?PyThreadState_(?:New|Attach).*"
)
# The second is that of the debug hooks of memory (PYTHONMALLOC=debug).
_WITHOUT_GIL: Final = re.compile(
    r"Fatal Python error: .*(?:the function must be called with|allocator called without holding) the GIL.*"
)
_ARITHMETIC_OR_CODE: Final = ("SIGFPE", "SIGILL")
_DECREF: Final = re.compile(r"_?Py_X?DECREF|_Py_IsImmortal|_Py_DECREF\w*")
_FAULTS_FILE: Final = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]faults\.py$")


def _fatal_error(case: Case) -> Diagnosis | None:
    """Find the text of Py_FatalError, which faulthandler's file has.

    stderr is searched too if the child died of SIGABRT: if a C++ exception has crossed Python's frames, the file has
    none. A child that exited has not written it.
    """
    heads = [case.evidence.fatal_python_error or ""]
    if case.signal == "SIGABRT" and not isinstance(case.observation.end, Exited):
        heads += reversed(_HEAD.findall(case.evidence.stderr))
    # A signal is no error that CPython found. Two threads that crash at once may write into each other's first line.
    errors = [head for head in heads if head and not any(words in head for words in FAULTHANDLERS_WORDS)]
    if not errors:
        return None
    return Diagnosis(
        "fatal-error",
        "CPython ended the process itself: it found its own state broken",
        "look for the C code that broke the rule that the text names, in the frames below; a debug build of Python "
        "(python3-dbg, or PYTHONDEVMODE=1) often says more",
        tuple(errors[:1]),
    )


def _gil_by_word(case: Case) -> Diagnosis | None:
    """Find CPython's own message that the GIL was not held. It proves the cause by itself.

    stderr is searched too: Python 3.12 and later may fault while they write the message, and then faulthandler's file
    has the fault instead.
    """
    if isinstance(case.observation.end, Exited) and case.evidence.fatal_error is None:
        return None  # Another process wrote the message: this child exited.
    found = _WITHOUT_GIL.search(f"{case.evidence.fatal_python_error}\n{case.evidence.stderr}")
    return None if found is None else _called_without_gil(case.thread, found[0])


def _called_without_gil(thread: Thread | None, *proofs: str) -> Diagnosis:
    if thread is not None and _came_back_without_gil(thread):
        return Diagnosis(
            "no-gil",
            f"{called(thread)} came back without the GIL from a function that ctypes had called with the GIL",
            "let the function release the GIL only as often as it takes it: one PyGILState_Release() for each "
            "PyGILState_Ensure(), and PyEval_RestoreThread() after each PyEval_SaveThread()",
            (*proofs, "ctypes calls PyErr_Occurred after a function of PyDLL or pythonapi, for which it keeps the GIL"),
        )
    return Diagnosis(
        "no-gil",
        f"{called(thread) if thread is not None else 'a thread'} called Python's C API without the GIL",
        "enclose the call in PyGILState_Ensure() and PyGILState_Release(); with ctypes call the API through "
        "ctypes.pythonapi or PyDLL, which keep the GIL",
        proofs,
    )


def _came_back_without_gil(thread: Thread) -> bool:
    """Return whether ctypes itself called Python, to see whether the function that it had called set an exception.

    ctypes does that for functions of PyDLL only, during whose call it keeps the GIL.
    """
    names = [frame.function for frame in thread.native_frames]
    asks = list(dropwhile(lambda name: (name or "").startswith("_Py"), names))
    return asks[:2] == ["PyErr_Occurred", "_call_function_pointer"]


def _no_gil(case: Case) -> Diagnosis | None:
    """Find a call of Python's C API without the GIL.

    The fault must be in libpython, and the thread must be unknown to Python (it has no thread state), or pystack must
    have seen that the thread did not hold the GIL. The address proves nothing: a thread state that is NULL faults at a
    low address, and so does a wrong pointer on a thread with the GIL. Only a bad address counts as a fault: an abort()
    is none. Python knows the main thread always: a list without it is broken, or torn. At its end Python forgets all
    threads, and lets none have the GIL: neither then proves anything.
    """
    thread, fatal = case.thread, case.fault
    if case.phase is Phase.EXIT or thread is None or fatal is None or fatal.signal not in MEMORY:
        return None
    if not _in_python(fatal, thread):
        return None
    is_main = thread.native_id is not None and thread.native_id == case.main_native_id
    if thread.python_id is None and case.evidence.python_threads and not is_main:
        proof = "it is none of the threads that Python knows"
    elif _was_seen(thread, case) and thread.gil is not Gil.HOLDS:
        holder = next((one for one in case.evidence.threads if one.gil is Gil.HOLDS), None)
        proof = f"{called(holder)} held the GIL" if holder is not None else "no thread held the GIL"
    else:
        return None
    crashed = native_words(_crashed_frames(fatal, thread)[0])
    return _called_without_gil(thread, f"the crash is in {crashed}, which needs the GIL", proof)


def _was_seen(thread: Thread, case: Case) -> bool:
    """Return whether pystack, the only source about the GIL, has seen this thread."""
    return any(native.native_id == thread.native_id for native in case.evidence.native_threads)


def _in_python(fatal: FatalError, thread: Thread) -> bool:
    """Return whether the crash is in code of libpython that needs the GIL: not in, nor below, what takes the GIL."""
    crashed = _crashed_frames(fatal, thread)
    within = takewhile(lambda frame: isinstance(frame, NativeFrame) and frame.is_pythons, thread.frames)
    takes = any(_TAKES_GIL.fullmatch(frame.function or "") for frame in (*crashed, *within))
    return not takes and any(frame.is_pythons for frame in crashed)


def _crashed_frames(fatal: FatalError, thread: Thread) -> Sequence[NativeFrame]:
    """Return what the sources call the newest frame. The kernel's word is better than pystack's, which hides frames."""
    return fatal.native_frames[:1] if fatal.held else (*fatal.native_frames[:1], *thread.native_frames[:1])


def _null_object(case: Case) -> Diagnosis | None:
    """Find a function of C whose NULL ctypes took for an object: Python before 3.13.4 uses it without a look.

    Proof is a fault at address 0 in GetResult of ctypes: nothing else that it reads can be NULL. Later releases raise
    ValueError, whose text proves nothing: it is also that of a py_object() which is empty.
    """
    thread, fatal = case.thread, case.fault
    address = None if fatal is None or fatal.signal not in MEMORY or fatal.address is None else int(fatal.address, 16)
    frames = () if thread is None else thread.native_frames
    # The inline functions that lower the reference count, of which pystack tells.
    outer = next(dropwhile(lambda frame: _DECREF.fullmatch(frame.function or "") is not None, frames), None)
    if address != 0 or thread is None or outer is None or outer.function != "GetResult":
        return None
    if not (outer.library or "").startswith("_ctypes."):
        return None
    callers = thread.python_frames[:1]
    return Diagnosis(
        "null-result",
        "a function that ctypes called returned NULL, and ctypes took that for an object (restype=py_object)",
        "let the function return an object, or set an exception, which PyDLL raises; if NULL is one of its answers, "
        "give it restype=c_void_p, and look for None",
        (
            f"the crash is in {native_words(outer)}, by a null pointer, which is the function's result",
            *(f"the function was called by {frame_words(frame)}" for frame in callers),
        ),
    )


def _native_crash(case: Case) -> Diagnosis | None:
    """Find a crash in a library that belongs neither to Python nor to the JVM nor to the C runtime.

    A crash inside libc or libpython says nothing about the blame: a bad pointer may come from any caller. A division by
    zero and an illegal instruction count as a bad address does. An abort() does not: a library may do that on purpose.
    """
    fatal = case.fault
    frame = fatal.native_frames[0] if fatal is not None and fatal.native_frames else None
    is_fault = case.outcome is Outcome.SEGFAULT or case.signal in _ARITHMETIC_OR_CODE
    if not is_fault or fatal is None or frame is None or frame.library is None:
        return None
    path = fatal.library_path
    if frame.is_pythons or _KNOWN_LIBRARY.fullmatch(frame.library) or _may_be_pythons(frame.library, path):
        return None
    return Diagnosis(
        "native-crash",
        f"the crash is in {frame.library}, a library of neither Python nor the JVM",
        "report it to the authors of that library, with the bundle of this failure; first see that the arguments that "
        "reach it are what it expects, and that it may be called from several threads",
        (native_words(frame), *([f"its file: {path}"] if path else [])),
    )


def _may_be_pythons(library: str, path: str | None) -> bool:
    return _EXTENSION.fullmatch(library) is not None if path is None else _STANDARD_LIBRARY in path


def _exited(case: Case) -> Diagnosis | None:
    if case.outcome is not Outcome.CRASH or not isinstance(case.observation.end, Exited):
        return None
    frames = _callers(case.thread)
    return Diagnosis(
        "exited",
        f"{frame_words(frames[0])} called os._exit({case.exit_code})" if frames else _left_by_others(case),
        "let the code under test return, or raise SystemExit, which is an ordinary failure; where it has to exit, "
        "replace the exit in the test (monkeypatch)",
        tuple(f'File "{frame.file}", line {frame.line}, in {frame.function}' for frame in frames[:1]),
    )


def _left_by_others(case: Case) -> str:
    by = (
        "Java or C ended the process (System.exit, Runtime.halt, exit)"
        if case.jvm
        else "C code ended the process (exit)"
    )
    if case.exit_code in (0, RAISED):
        closed = "the test closed the child's pipe to pytest, or replaced a function that the child needs"
        return f"{by}, status {case.exit_code}; or the child ended by itself and could not say so: {closed}"
    return f"{by}, status {case.exit_code}; Python did not"


def _callers(thread: Thread | None) -> Sequence[PythonFrame]:
    """Return the frames that called os._exit; empty if the stacks were not written by a call of os._exit."""
    frames = thread.python_frames if thread is not None else ()
    left = [place for place, frame in enumerate(frames) if _leaves(frame)]
    return frames[left[0] + 1 :] if left else ()


def _leaves(frame: PythonFrame) -> bool:
    return frame.function.endswith("write_and_leave") and _FAULTS_FILE.search(frame.file) is not None


# A narrower rule comes before a wider one: the first rule that fits decides. The last two only say where the process
# ended.
CRASHES: Final = (
    oom_killed,
    java_heap_ended,
    callback_at_exit,
    _gil_by_word,
    jni_misuse,
    memory_misuse,
    _fatal_error,
    aborted,
    stack_overflow,
    _no_gil,
    collected_proxy,
    late_callback,
    _null_object,
    _native_crash,
    _exited,
)
