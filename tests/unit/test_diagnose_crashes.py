from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.model.observation import End, Exited, Lost, Signaled
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stacks import Frame, Gil, NativeFrame, PythonFrame, PythonThread, Thread

from .sample_cases import (
    BODY,
    FOREIGN,
    LIBPYTHON,
    LOOKUP,
    MAIN,
    RUN,
    TEST,
    THUNK,
    code,
    crashed,
    evidence_of,
    fatal,
    seen,
    thread,
)


@pytest.mark.parametrize(
    ("signal", "kills", "expected"), [("SIGKILL", 1, "oom-killed"), ("SIGKILL", 0, None), ("SIGTERM", 1, None)]
)
def test_the_kernel_killed_it_for_lack_of_memory(signal: str, kills: int, expected: str | None) -> None:
    assert code(crashed(outcome=Outcome.CRASH, signal=signal, oom_kills=kills)) == expected


TERMINATING: Final = "words\nTerminating due to java.lang.OutOfMemoryError: Java heap space\n"
OUT_OF_HEAP: Final = "Internal Error (debug.cpp:282), pid=1: fatal error: OutOfMemory encountered: Java heap space"


@pytest.mark.parametrize(
    ("end", "stdout", "message", "expected"),
    [
        (Exited(3), TERMINATING, None, "java-heap"),
        (Exited(3), TERMINATING.replace("Java heap space", "GC overhead limit exceeded"), None, "java-heap"),
        (Exited(3), TERMINATING.replace("Java heap space", "Metaspace"), None, "exited"),
        (Exited(3), "caught: java.lang.OutOfMemoryError: Java heap space\n", None, "exited"),
        (Exited(3), "", None, "exited"),
        (Exited(1), TERMINATING, None, "exited"),
        (Signaled(6), TERMINATING, None, None),
        (Signaled(6), "", OUT_OF_HEAP, "java-heap"),
        (Signaled(6), "", OUT_OF_HEAP.replace("Java heap space", "Metaspace"), None),
        (Signaled(6), "", "There is insufficient memory for the Java Runtime Environment to continue.", None),
    ],
)
def test_the_jvm_ended_for_lack_of_heap(end: End, stdout: str, message: str | None, expected: str | None) -> None:
    error = fatal(message=message) if message else None
    exit_code = end.code if isinstance(end, Exited) else None
    case = crashed(outcome=Outcome.CRASH, signal=None, end=end, exit_code=exit_code, stdout=stdout, fatal_error=error)
    assert code(case) == expected


NO_GIL: Final = {
    "3.11": "Fatal Python error: PyThreadState_Get: the function must be called with the GIL held, but the GIL is "
    "released (the current Python thread state is NULL)",
    "3.13": "Fatal Python error: PyThreadState_Get: the function must be called with the GIL held, after Python "
    "initialization and before Python finalization, but the GIL is released (the current Python thread state is NULL)",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fatal Python error: the bridge lost its interpreter", "fatal-error"),
        ("Fatal Python error: none_dealloc: deallocating None", "fatal-error"),
        ("Fatal Python error: Aborted", None),
        ("Fatal Python error: Segmentation fault", None),
        ("Fatal Python error: Bus error", None),
        (NO_GIL["3.11"], "no-gil"),
        (NO_GIL["3.13"], "no-gil"),
        (None, None),
    ],
)
def test_the_text_of_a_fatal_error(text: str | None, expected: str | None) -> None:
    case = crashed(thread(THUNK), outcome=Outcome.CRASH, signal="SIGABRT", fatal_python_error=text)
    assert code(case) == expected


def test_python_faulted_again_while_it_wrote_the_text() -> None:
    """From 3.12 on: the text is on stderr, and the dump is of the second fault's abort."""
    text = f"words\n{NO_GIL['3.13']}\nPython runtime state: initialized\n"
    aborted = "Fatal Python error: Aborted"
    assert code(crashed(thread(), fatal_error=fatal(LOOKUP), fatal_python_error=aborted, stderr=text)) == "no-gil"
    # A process that the test started wrote it.
    assert code(crashed(outcome=Outcome.CRASH, signal=None, end=Exited(3), exit_code=3, stderr=text)) == "exited"


KNOWN: Final = (PythonThread(MAIN, "MainThread", False, (BODY,)),)


@pytest.mark.parametrize(
    ("crashing", "others", "expected"),
    [
        # pystack saw it, without the GIL.
        (thread(LOOKUP, THUNK, ident=FOREIGN), {"native_threads": (seen(7),)}, "no-gil"),
        (thread(LOOKUP, THUNK, ident=FOREIGN, gil=Gil.WAITS), {"native_threads": (seen(7),)}, "no-gil"),
        (thread(LOOKUP, THUNK, ident=FOREIGN, gil=Gil.HOLDS), {"native_threads": (seen(7),)}, None),
        # It did not look, or saw the other threads only.
        (thread(LOOKUP, THUNK, ident=FOREIGN), {}, None),
        (thread(LOOKUP, THUNK, ident=FOREIGN), {"native_threads": (seen(8),)}, None),
        # Python's dump has other threads, not this one.
        (thread(LOOKUP, RUN, ident=None), {"python_threads": KNOWN}, "no-gil"),
        (thread(LOOKUP, RUN, ident=None), {}, None),
        # The crash is elsewhere, or in what may be called without.
        (thread(NativeFrame("libc.so.6", "memcpy", "+0x1"), ident=None), {"python_threads": KNOWN}, None),
        (thread(NativeFrame(LIBPYTHON, "take_gil", "+0x1"), ident=None), {"python_threads": KNOWN}, None),
        (thread(NativeFrame(LIBPYTHON, "PyGILState_Ensure", "+0x1"), ident=None), {"python_threads": KNOWN}, None),
        (thread(NativeFrame("python3.11", None, "+0x1"), ident=None), {"python_threads": KNOWN}, "no-gil"),
        (thread(NativeFrame("libpython_utils.so", None, "+0x1"), ident=None), {"python_threads": KNOWN}, None),
    ],
)
def test_no_gil(crashing: Thread, others: dict[str, Any], expected: str | None) -> None:
    top = crashing.native_frames[0]
    error = fatal(replace(top, library="libc.so.6") if top.library == "libpython_utils.so" else top)
    assert code(crashed(crashing, fatal_error=error, **others)) == expected


HELD: Final[dict[str, Any]] = {"message": "", "held": True, "thread": None}
PUSHES: Final = NativeFrame(LIBPYTHON, "_PyEvalFramePushAndInit", "+0x21")
OPERATOR: Final = NativeFrame("mine.so", "operator()", "")
RESTORES: Final = NativeFrame(LIBPYTHON, "PyEval_RestoreThread", "+0x8")
NEW_STATE: Final = (
    NativeFrame(LIBPYTHON, "new_threadstate", ""),
    NativeFrame(LIBPYTHON, "PyThreadState_New", ""),
    NativeFrame(LIBPYTHON, "PyGILState_Ensure", ""),
)


@pytest.mark.parametrize(
    ("stack", "top", "expected"),
    [
        ((PUSHES, OPERATOR), (PUSHES, OPERATOR), "no-gil"),
        ((NativeFrame("python3.11", None, "+0x9"), OPERATOR), None, "no-gil"),
        ((OPERATOR,), (OPERATOR,), "native-crash"),
        # Nothing tells where the crash is: pystack may hide frames that are newer.
        ((OPERATOR,), (), None),
        ((LOOKUP, OPERATOR), (), None),
        # The code of no library; and a function that may be called without the GIL, or that one such calls.
        ((NativeFrame(None, None, "0x0"), LOOKUP, OPERATOR), None, None),
        ((RESTORES, OPERATOR), None, None),
        ((*NEW_STATE, OPERATOR), None, None),
    ],
)
def test_the_kernel_tells_where_the_crash_is(
    stack: tuple[NativeFrame, ...], top: tuple[NativeFrame, ...] | None, expected: str | None
) -> None:
    error = fatal(*(stack if top is None else top), **HELD)
    crashing = thread(*stack, RUN, ident=None)
    case = crashed(crashing, fatal_error=error, native_threads=(seen(7),), python_threads=KNOWN, jvm=False)
    assert code(case) == expected


@pytest.mark.parametrize("more", [{"sent": True}, {"signal": "SIGILL"}, {"signal": "SIGFPE"}])
def test_only_a_bad_address_proves_that_the_gil_was_not_held(more: dict[str, Any]) -> None:
    """Python releases the GIL around raise(), so that another thread may have it when the signal comes."""
    raises = NativeFrame(LIBPYTHON, "signal_raise_signal_impl", "")
    error = replace(fatal(raises), **more)
    case = crashed(thread(raises, THUNK, ident=FOREIGN), fatal_error=error, native_threads=(seen(7),))
    assert code(case) is None


def test_python_knows_the_main_thread() -> None:
    """If it does not, its list of threads is broken."""
    others = (PythonThread(FOREIGN, "foreign-1", False, (BODY,)),)
    main = thread(LOOKUP, name="main", native_id=10, ident=None)
    assert code(crashed(main, fatal_error=fatal(LOOKUP), python_threads=others)) is None


@pytest.mark.parametrize(
    ("others", "proof"),
    [
        ((), "no thread held the GIL"),
        ((thread(BODY, name="MainThread", native_id=8, current=False, gil=Gil.HOLDS),), '"MainThread" held the GIL'),
    ],
)
def test_who_held_the_gil(others: tuple[Thread, ...], proof: str) -> None:
    crashing = thread(LOOKUP, THUNK, ident=FOREIGN)
    case = crashed(crashing, *others, fatal_error=fatal(LOOKUP), native_threads=(seen(7),))
    assert evidence_of(case) == (f"the crash is in _PyType_Lookup+0x3b ({LIBPYTHON}), which needs the GIL", proof)


CTYPES: Final = "_ctypes.cpython-311-x86_64-linux-gnu.so"
ASKS: Final = NativeFrame(LIBPYTHON, "PyErr_Occurred", "")
CALLS: Final = NativeFrame(CTYPES, "_call_function_pointer", "")


@pytest.mark.parametrize(
    ("frames", "came_back"),
    [
        ((ASKS, CALLS, THUNK), True),
        ((replace(ASKS, function="_PyErr_Occurred"), ASKS, CALLS, THUNK), True),
        # The function that ctypes calls is PyErr_Occurred itself, or another of the C API.
        ((ASKS, NativeFrame("libffi.so.8", "ffi_call", ""), CALLS, THUNK), False),
        ((LOOKUP, CALLS, THUNK), False),
        ((ASKS, THUNK), False),
    ],
)
def test_a_function_that_released_the_gil_is_told_apart(frames: tuple[Frame, ...], came_back: bool) -> None:
    crashing = thread(*frames, ident=FOREIGN)
    error = fatal(*crashing.native_frames)
    found = diagnose(crashed(crashing, fatal_error=error, native_threads=(seen(7),)))
    assert found is not None
    assert (found.code, "came back without the GIL" in found.text) == ("no-gil", came_back)
    assert ("PyGILState_Release() for each" in found.help, "PyDLL" in found.help) == (came_back, not came_back)


GETS_RESULT: Final = (NativeFrame(CTYPES, "GetResult", ""), NativeFrame(CTYPES, "_ctypes_callproc", ""), THUNK)
DECREF: Final = NativeFrame(CTYPES, "Py_DECREF", "")


@pytest.mark.parametrize(
    ("frames", "error", "expected"),
    [
        ((DECREF, *GETS_RESULT), {}, "null-result"),
        ((replace(DECREF, function="_Py_IsImmortal"), DECREF, *GETS_RESULT), {}, "null-result"),
        (GETS_RESULT, {}, "null-result"),
        # Another pointer than NULL; no fault at all; and elsewhere.
        ((DECREF, *GETS_RESULT), {"address": "0x8"}, None),
        ((DECREF, *GETS_RESULT), {"address": None}, None),
        ((DECREF, *GETS_RESULT), {"sent": True}, None),
        ((DECREF, *GETS_RESULT[1:]), {}, None),
        ((NativeFrame(LIBPYTHON, "subtype_dealloc", ""), DECREF, *GETS_RESULT), {}, None),
        ((NativeFrame("mine.so", "GetResult", ""), *GETS_RESULT[1:]), {}, None),
    ],
)
def test_null_that_ctypes_takes_for_an_object(
    frames: tuple[Frame, ...], error: dict[str, Any], expected: str | None
) -> None:
    told = replace(fatal(address="0x0000000000000000"), **error)
    case = crashed(thread(*frames, ident=FOREIGN), fatal_error=told)
    assert code(case) == expected
    if expected is not None:
        assert evidence_of(case)[1] == "the function was called by thunk (test_bridge.py:15)"


DOWN: Final = (PythonFrame(TEST, 20, "down"),) * 25
C_DOWN: Final = (NativeFrame("libffi.so.8", "ffi_call", ""),) * 25
EVALUATION: Final = (NativeFrame(LIBPYTHON, "_PyEval_EvalFrameDefault", ""),) * 25


@pytest.mark.parametrize(
    ("address", "frames", "size", "expected"),
    [
        ("0x70000010", DOWN, 0x10_0000, "deep-recursion"),
        ("0x70000010", (*EVALUATION, *DOWN), 0x10_0000, "deep-recursion"),
        # The thread was made with a smaller stack; or what recursed is C, or nothing did.
        ("0x70000010", DOWN, 0x4_0000, "java-stack-overflow"),
        ("0x70000010", (*C_DOWN, *DOWN[:3]), 0x10_0000, "java-stack-overflow"),
        ("0x70000010", (THUNK,), 0x10_0000, "java-stack-overflow"),
        ("0x70000010", (), 0x10_0000, "java-stack-overflow"),
        # In the guard page below it; far below; in its upper part; at no address at all.
        ("0x6ffff800", DOWN, 0x10_0000, "deep-recursion"),
        # A large frame reaches farther below, where other memory may lie: a recursion has to stand on the stack.
        ("0x6fff8000", DOWN, 0x10_0000, "deep-recursion"),
        ("0x6fff8000", (THUNK,), 0x10_0000, None),
        ("0x6ffe0000", DOWN, 0x10_0000, None),
        ("0x70080000", DOWN, 0x10_0000, None),
        ("0x70200000", DOWN, 0x10_0000, None),
        ("0x10", DOWN, 0x10_0000, None),
        (None, DOWN, 0x10_0000, None),
    ],
)
def test_the_end_of_the_stack(address: str | None, frames: tuple[Frame, ...], size: int, expected: str | None) -> None:
    error = fatal(NativeFrame("libc.so.6", None, "+0x1"), address=address, stack=(0x7000_0000, 0x7000_0000 + size))
    assert code(crashed(thread(*frames, ident=FOREIGN), fatal_error=error)) == expected


MB: Final = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "main", "name", "expected"),
    [
        (128 * 1024, 8 * MB, "native-1", "small-stack"),
        (2 * MB, 8 * MB, "worker", "small-stack"),
        (8 * MB - 4096, 8 * MB, "native-1", "deep-recursion"),
        (4 * MB, 8 * MB, "native-1", "deep-recursion"),
        # It has no limit, or was not told.
        (128 * 1024, None, "native-1", "deep-recursion"),
        (128 * 1024, 8 * MB, "MainThread", "deep-recursion"),
    ],
)
def test_a_stack_smaller_than_the_main_threads(size: int, main: int | None, name: str, expected: str) -> None:
    stack = (0x7000_0000, 0x7000_0000 + size)
    error = fatal(address="0x70000010", thread=None, stack=stack, main_stack=main)
    case = crashed(thread(*DOWN, name=name, ident=FOREIGN), fatal_error=error, jvm=False)
    assert code(case) == expected
    if expected == "small-stack":
        diagnosis = diagnose(case)
        assert diagnosis is not None
        assert f"it has {size // 1024} KB, the main thread's may grow to 8192 KB" in diagnosis.text


def test_a_small_stack_of_a_native_thread_beside_a_jvm() -> None:
    stack = (0x7000_0000, 0x7000_0000 + 128 * 1024)
    error = fatal(address="0x70000010", thread=None, stack=stack, main_stack=8 * MB)
    oldest = PythonFrame("/site/pytest_foreignthread/child/native/pthreads.py", 100, "_run")
    assert code(crashed(thread(*DOWN, oldest, ident=FOREIGN), fatal_error=error)) == "small-stack"
    assert code(crashed(thread(*DOWN, ident=FOREIGN), fatal_error=error)) == "java-stack-overflow"


def test_a_stack_of_unknown_bounds_has_no_end() -> None:
    assert code(crashed(thread(*DOWN, ident=FOREIGN), fatal_error=fatal(address="0x0", stack=None))) is None
    assert code(crashed(thread(*DOWN, ident=FOREIGN))) is None


FOO: Final = "libfoo.so.1"
EXTENSION: Final = "foo.cpython-311-x86_64-linux-gnu.so"


@pytest.mark.parametrize(
    ("library", "path", "outcome", "expected"),
    [
        (FOO, f"/usr/lib/{FOO}", Outcome.SEGFAULT, "native-crash"),
        (FOO, None, Outcome.SEGFAULT, "native-crash"),
        (FOO, f"/usr/lib/{FOO}", Outcome.CRASH, None),
        ("libz.so.1", "/usr/lib/libz.so.1", Outcome.SEGFAULT, "native-crash"),
        (EXTENSION, f"/lib/python3.11/site-packages/{EXTENSION}", Outcome.SEGFAULT, "native-crash"),
        (EXTENSION, f"/lib/python3.11/lib-dynload/{EXTENSION}", Outcome.SEGFAULT, None),
        (EXTENSION, None, Outcome.SEGFAULT, None),
        *(
            (name, f"/usr/lib/{name}", Outcome.SEGFAULT, None)
            for name in ("libc.so.6", "libc-2.31.so", "libjvm.so", "libzip.so", "python3.11", "libpython3.11d.so.1.0")
        ),
        ("libcrypto.so.3", None, Outcome.SEGFAULT, "native-crash"),
        (None, None, Outcome.SEGFAULT, None),
    ],
)
def test_native_crash(library: str | None, path: str | None, outcome: Outcome, expected: str | None) -> None:
    error = fatal(NativeFrame(library, "f", "+0x1"), library_path=path)
    assert code(crashed(thread(THUNK, ident=FOREIGN), outcome=outcome, fatal_error=error)) == expected


@pytest.mark.parametrize(
    ("signal", "sent", "expected"),
    [
        ("SIGFPE", False, "native-crash"),
        ("SIGILL", False, "native-crash"),
        ("SIGABRT", False, None),
        ("SIGFPE", True, None),
        ("SIGSEGV", True, None),
    ],
)
def test_which_signals_are_a_native_crash(signal: str, sent: bool, expected: str | None) -> None:
    error = replace(fatal(NativeFrame(FOO, "f", "+0x1")), signal=signal, sent=sent)
    outcome = Outcome.SEGFAULT if signal == "SIGSEGV" else Outcome.CRASH
    case = crashed(thread(THUNK, ident=FOREIGN), outcome=outcome, signal=signal, fatal_error=error)
    assert code(case) == expected


def test_no_native_crash_is_reported_without_frames() -> None:
    assert code(crashed(thread(THUNK, ident=FOREIGN), fatal_error=fatal())) is None
    assert code(crashed()) is None


FAULTS: Final = "/lib/pytest_foreignthread/child/faults.py"
LEAVES: Final = (PythonFrame(FAULTS, 33, "write"), PythonFrame(FAULTS, 48, "write_and_leave"))


@pytest.mark.parametrize(
    ("frames", "end", "text"),
    [
        ((*LEAVES, THUNK, BODY), Exited(3), "thunk (test_bridge.py:15) called os._exit(3)"),
        # A dump of an earlier moment: of a null result, say.
        ((LEAVES[0], PythonFrame(FAULTS, 40, "write_for"), THUNK), Exited(3), "Java or C ended the process"),
        ((), Exited(0), "Java or C ended the process (System.exit, Runtime.halt, exit), status 0; or the child ended"),
        ((), Exited(3), "Java or C ended the process"),
        (
            (),
            Exited(70),
            "Java or C ended the process (System.exit, Runtime.halt, exit), status 70; or the child ended",
        ),
        ((*LEAVES, THUNK), Signaled(6), None),
        ((*LEAVES, THUNK), Lost("it was reaped elsewhere"), None),
    ],
)
def test_who_ended_the_process(frames: tuple[Frame, ...], end: End, text: str | None) -> None:
    threads = [thread(*frames, ident=FOREIGN)] if frames else []
    exit_code = end.code if isinstance(end, Exited) else None
    diagnosis = diagnose(crashed(*threads, outcome=Outcome.CRASH, signal=None, end=end, exit_code=exit_code))
    assert (diagnosis is None) == (text is None)
    assert diagnosis is None or (diagnosis.code == "exited" and diagnosis.text.startswith(text or ""))


REGUARD = (
    "Internal Error (stackOverflow.cpp:236), pid=1, tid=7: guarantee(cur_sp > stack_reserved_zone_base()) failed: "
    "not enough space to reguard - increase StackShadowPages"
)


@pytest.mark.parametrize(
    ("message", "expected"), [(REGUARD, "deep-recursion"), (REGUARD.replace("reguard", "guard"), None)]
)
def test_hotspot_finds_no_room_at_the_end_of_the_stack(message: str, expected: str | None) -> None:
    error = replace(fatal(message=message, address=None), signal=None)
    assert code(crashed(thread(*DOWN), outcome=Outcome.CRASH, signal="SIGABRT", fatal_error=error)) == expected
