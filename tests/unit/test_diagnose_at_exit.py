"""The rules for what crashes or hangs while the interpreter is finalized."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import Exited
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.stacks import (
    Frame,
    JavaFrame,
    NativeFrame,
    NativeThread,
    PythonFrame,
    PythonThread,
    Thread,
)

from .sample_cases import LIBPYTHON, TEST, code, crashed, evidence_of, fatal, thread

NOT_RETHROWN: Final = "FATAL: exception not rethrown\n"
NOT_CURRENT: Final = (
    "terminate called after throwing an instance of 'std::runtime_error'\n"
    "  what():  scoped_acquire::dec_ref(): thread state must be current!\n"
)
"""By a module of pybind11 3.1, from a destructor of gil_scoped_acquire."""
ABORT: Final = NativeFrame("libc.so.6", "abort", "")
ENDED: Final = NativeFrame("libc.so.6", "pthread_exit", "")
TAKE: Final = NativeFrame(LIBPYTHON, "take_gil", "")
ENSURE: Final = NativeFrame(LIBPYTHON, "PyGILState_Ensure", "")
STOPPED: Final = NativeFrame("libpython3.14.so.1.0", "PyThread_hang_thread", "")
DESTRUCTOR: Final = PythonFrame(TEST, 20, "__del__")
SHUTDOWN: Final = PythonFrame("/usr/lib/python3.11/threading.py", 1590, "_shutdown")
JOIN: Final = PythonFrame("/usr/lib/python3.11/threading.py", 1119, "join")
EXECUTORS: Final = PythonFrame("/usr/lib/python3.11/concurrent/futures/thread.py", 31, "_python_exit")
WORKER: Final = PythonFrame("/usr/lib/python3.11/concurrent/futures/thread.py", 83, "_worker")
JPYPE: Final = PythonFrame("/site-packages/jpype/_core.py", 516, "_JTerminate")
SLEEP: Final = PythonFrame(TEST, 5, "work")
PARK: Final = JavaFrame("jdk.internal.misc.Unsafe.park", None, None, native=True)
TAKE_TASK: Final = JavaFrame("java.util.concurrent.ThreadPoolExecutor.getTask", None, None)
RUN_WORKER: Final = JavaFrame("java.util.concurrent.ThreadPoolExecutor.runWorker", None, None)
HOOKS: Final = JavaFrame("java.lang.ApplicationShutdownHooks.runHooks", None, None)


def c(*functions: str) -> tuple[NativeFrame, ...]:
    return tuple(NativeFrame(LIBPYTHON, function, "") for function in functions)


def main_in(*frames: PythonFrame | NativeFrame) -> NativeThread:
    """Return what pystack shows of the main thread; its kernel id is that of the sample cases."""
    return NativeThread(10, "python", None, (*frames, *c("Py_FinalizeEx", "Py_Exit")))


FINALIZING: Final = main_in(DESTRUCTOR, *c("finalize_modules"))
IN_HANDLER: Final = main_in(SLEEP, *c("atexit_callfuncs"))
JOINING: Final = main_in(SLEEP, *c("wait_for_thread_shutdown"))


def case(*threads: Thread, stderr: str = "", main: NativeThread | None = FINALIZING, **more: Any) -> Case:
    of_abort = {"outcome": Outcome.CRASH, "signal": "SIGABRT", "phase": Phase.EXIT, "jvm": False, **more}
    return crashed(*threads, stderr=stderr, native_threads=() if main is None else (main,), **of_abort)


def pool_thread(*frames: Frame, **more: Any) -> Thread:
    return thread(*frames, name="pool-worker", native_id=12, ident=None, **more)


DESTROYS: Final = NativeFrame("pool.so", "~gil_scoped_acquire()", "")
CALLS: Final = NativeFrame("_ctypes.so", "_CallPythonObject", "")
NO_STATE: Final = (
    "Fatal Python error: PyThreadState_Get: the function must be called with the GIL held, but the GIL is released"
)
BY_EXIT: Final = (
    NativeFrame("libc.so.6", "__run_exit_handlers", ""),
    NativeFrame("libc.so.6", None, ""),
    NativeFrame(LIBPYTHON, None, ""),
)


def main_of(*frames: Frame) -> Thread:
    """Return the main thread, current and crashed."""
    return thread(*frames, name="MainThread", native_id=10, ident=1)


SEGFAULT: Final[dict[str, Any]] = {"outcome": Outcome.SEGFAULT, "signal": "SIGSEGV"}
CALLBACKS: Final = {
    "C++ keeps what unwinds": case(pool_thread(ABORT), stderr=NOT_RETHROWN),
    "C++ keeps what unwinds, without pystack": case(pool_thread(ABORT), stderr=NOT_RETHROWN, main=None),
    "C++ keeps what unwinds, and nobody saw the thread": case(stderr=NOT_RETHROWN, main=None),
    "C++ keeps what unwinds, and faulthandler crashed": case(pool_thread(ABORT), stderr=NOT_RETHROWN, **SEGFAULT),
    "C++ keeps what unwinds, and a terminal has the words": case(
        pool_thread(ABORT, *c("__libc_message", "__libc_fatal", "__pthread_unwind"))
    ),
    "a destructor of pybind11's finds no state": case(pool_thread(ABORT, DESTROYS), stderr=NOT_CURRENT),
    "a destructor of pybind11's finds no state, without pystack": case(
        pool_thread(ABORT), stderr=NOT_CURRENT, main=None
    ),
    "a destructor of pybind11's finds no state, and faulthandler crashed": case(
        pool_thread(ABORT), stderr=NOT_CURRENT, main=None, **SEGFAULT
    ),
    "a function is noexcept": case(pool_thread(ABORT, ENDED, TAKE, ENSURE)),
    "a function is noexcept, by an older name": case(pool_thread(ABORT, *c("PyThread_exit_thread", "take_gil"))),
    "it crashed where it takes the GIL": case(pool_thread(TAKE, ENSURE), **SEGFAULT),
    "it crashed in Python code": case(pool_thread(*c("_PyEval_EvalFrameDefault"), SLEEP), **SEGFAULT),
    "it came back to Python, which had let go of its state": case(
        pool_thread(*c("PyErr_Occurred"), DESTROYS), signal="SIGBUS", outcome=Outcome.SEGFAULT
    ),
    "CPython found that it had no state": case(
        pool_thread(ABORT, *c("fatal_error_exit"), DESTROYS),
        fatal_error=fatal(*c("fatal_error_exit"), DESTROYS),
        fatal_python_error=NO_STATE,
    ),
    "a handler of exit called Python": case(
        main_of(*c("new_threadstate"), ENSURE, *BY_EXIT), fatal_error=fatal(), **SEGFAULT
    ),
    "a handler of exit called Python without symbols": case(
        main_of(NativeFrame("python3.11", None, ""), CALLS, *BY_EXIT), fatal_error=fatal(), **SEGFAULT
    ),
    "while libraries end": case(pool_thread(TAKE), main=main_in(*c("__run_exit_handlers", "exit")), **SEGFAULT),
    "Python stopped it for good": case(
        thread(JOIN, name="MainThread", native_id=10, ident=1),
        pool_thread(STOPPED, *c("take_gil"), current=False),
        outcome=Outcome.HANG,
    ),
}


def test_a_step_without_a_name_may_be_a_handler() -> None:
    main = main_in(SLEEP, NativeFrame("python3.11", None, ""))
    assert code(case(pool_thread(TAKE, ENSURE), main=main, **SEGFAULT)) != "callback-at-exit"


def test_a_child_that_exited_has_the_words_of_glibc_from_elsewhere() -> None:
    assert code(case(stderr=f"grep: {NOT_RETHROWN}", end=Exited(3), signal=None)) != "callback-at-exit"


@pytest.mark.parametrize("one", CALLBACKS.values(), ids=CALLBACKS)
def test_callback_at_exit(one: Case) -> None:
    assert code(one) == "callback-at-exit"


def test_it_says_what_the_main_thread_did() -> None:
    assert evidence_of(CALLBACKS["C++ keeps what unwinds"]) == (
        'glibc said "FATAL: exception not rethrown"',
        "meanwhile the main thread was in __del__ (test_bridge.py:20), called by Py_FinalizeEx",
    )
    assert evidence_of(CALLBACKS["while libraries end"])[1].endswith("exit, after Py_FinalizeEx")


def test_after_the_end_the_advice_is_another() -> None:
    found = diagnose(CALLBACKS["a handler of exit called Python"])
    assert found is not None
    assert found.text.startswith('"MainThread" called Python after Python had finalized')
    assert "not with atexit() of C" in found.help
    assert found.evidence == (
        '"MainThread" crashed in PyGILState_Ensure (libpython3.11.so.1.0)',
        "it was called by __run_exit_handlers (libc.so.6), after Py_FinalizeEx",
    )


@pytest.mark.parametrize("main", [FINALIZING, IN_HANDLER, None])
def test_at_the_end_nothing_seen_proves_that_the_gil_was_not_held(main: NativeThread | None) -> None:
    """Python forgets its threads then. Its own words are a proof while it runs."""
    crashed_in = pool_thread(*c("PyErr_Occurred"), DESTROYS)
    known = (PythonThread(1, "MainThread", False, (SLEEP,)),)
    one = case(crashed_in, main=main, fatal_error=fatal(*c("PyErr_Occurred")), python_threads=known, **SEGFAULT)
    assert code(one) == ("callback-at-exit" if main is FINALIZING else None)
    assert code(replace(one, phase=Phase.CALL)) == "no-gil"
    by_word = case(crashed_in, main=main, fatal_python_error=NO_STATE)
    assert code(by_word) == ("callback-at-exit" if main is FINALIZING else "no-gil")


OTHERS: Final = {
    "in another phase": replace(CALLBACKS["C++ keeps what unwinds"], phase=Phase.TEARDOWN),
    "a destructor of pybind11's in another phase": case(pool_thread(ABORT), stderr=NOT_CURRENT, phase=Phase.CALL),
    "a destructor of pybind11's while a handler of atexit runs": case(
        pool_thread(ABORT), stderr=NOT_CURRENT, main=IN_HANDLER
    ),
    "a destructor of pybind11's on the main thread": case(main_of(ABORT, DESTROYS), stderr=NOT_CURRENT),
    "the main thread aborts": case(thread(ABORT, name="MainThread", native_id=10, ident=1), stderr=NOT_RETHROWN),
    "an abort of its own": case(pool_thread(ABORT)),
    "a thread ends, and does not come from Python": case(pool_thread(ABORT, ENDED)),
    "a crash while a handler of atexit runs": case(pool_thread(TAKE), main=IN_HANDLER, **SEGFAULT),
    "a crash while threads are joined": case(pool_thread(TAKE), main=JOINING, **SEGFAULT),
    "a crash, and nobody saw the main thread": case(pool_thread(TAKE), main=None, **SEGFAULT),
    "a crash in C alone": case(pool_thread(NativeFrame("libc.so.6", "strlen", "")), **SEGFAULT),
    "a crash in Python's code while a handler of atexit runs": case(
        pool_thread(*c("PyErr_Occurred"), DESTROYS),
        main=IN_HANDLER,
        fatal_error=fatal(*c("PyErr_Occurred")),
        **SEGFAULT,
    ),
    "a handler of exit crashes by itself": case(
        main_of(NativeFrame("libc.so.6", "strlen", ""), DESTROYS, *BY_EXIT), fatal_error=fatal(), **SEGFAULT
    ),
    "a handler of exit crashes, by what the kernel says": case(
        main_of(*c("PyErr_Occurred"), *BY_EXIT), fatal_error=fatal(NativeFrame(None, None, "0x0")), **SEGFAULT
    ),
    "a handler of exit aborts": case(main_of(ABORT, *c("PyErr_Occurred"), *BY_EXIT)),
    "a handler of atexit had called exit": case(
        main_of(*c("new_threadstate"), ENSURE, *BY_EXIT[:1], *c("atexit_callfuncs", "Py_FinalizeEx", "Py_Exit")),
        fatal_error=fatal(),
        **SEGFAULT,
    ),
    "code of Python had called exit": case(
        main_of(*c("new_threadstate"), ENSURE, *BY_EXIT[:1], SLEEP), fatal_error=fatal(), **SEGFAULT
    ),
    "the main thread crashed while it finalized": case(
        main_of(*c("PyObject_Free", "finalize_modules", "Py_FinalizeEx", "Py_Exit")), fatal_error=fatal(), **SEGFAULT
    ),
    "a handler of exit called Python, it seems, in another phase": case(
        main_of(*c("new_threadstate"), ENSURE, *BY_EXIT), fatal_error=fatal(), **SEGFAULT, phase=Phase.CALL
    ),
    "a hang of the main thread only": case(
        thread(DESTRUCTOR, name="MainThread", native_id=10, ident=1), outcome=Outcome.HANG
    ),
}


@pytest.mark.parametrize("one", OTHERS.values(), ids=OTHERS)
def test_no_callback_at_exit(one: Case) -> None:
    assert code(one) != "callback-at-exit"


def hang(*threads: Thread, phase: Phase = Phase.EXIT) -> Case:
    return crashed(*threads, outcome=Outcome.HANG, phase=phase, signal=None)


def main(*frames: Frame) -> Thread:
    return thread(*frames, name="MainThread", native_id=10, ident=1)


def java(*frames: Frame, daemon: bool | None = False, name: str = "pool-1-thread-1", number: int = 20) -> Thread:
    return thread(*frames, name=name, native_id=number, ident=None, current=False, java_state="WAITING", daemon=daemon)


IDLE: Final = java(PARK, TAKE_TASK, RUN_WORKER)


def test_java_thread_keeps_running() -> None:
    one = hang(main(JPYPE), IDLE, java(PARK, name="own", number=21), java(PARK, daemon=True, name="timer", number=22))
    assert code(one) == "java-thread-keeps-running"
    assert evidence_of(one) == (
        '"pool-1-thread-1" belongs to a pool that was not shut down, and waits for its next task',
        '"own" is in Unsafe.park',
        "the main thread is in JPype's shutdown of the JVM",
    )


def test_of_many_threads_some_are_named() -> None:
    many = [java(PARK, name=f"worker-{number}", number=number) for number in range(20, 29)]
    assert len(evidence_of(hang(main(JPYPE), *many))) == 5


OTHER_JAVA: Final = {
    "in another phase": hang(main(JPYPE), IDLE, phase=Phase.TEARDOWN),
    "all are daemons": hang(main(JPYPE), java(PARK, daemon=True)),
    "the dump does not tell": hang(main(JPYPE), java(PARK, daemon=None)),
    "a shutdown hook waits": hang(main(HOOKS, JPYPE), IDLE),
    "the main thread is elsewhere": hang(main(SLEEP), IDLE),
    "a function of that name": hang(main(PythonFrame(TEST, 3, "_JTerminate")), IDLE),
    "HotSpot's own": hang(main(JPYPE), java(name="DestroyJavaVM")),
}


@pytest.mark.parametrize("one", OTHER_JAVA.values(), ids=OTHER_JAVA)
def test_no_java_thread_keeps_running(one: Case) -> None:
    assert code(one) != "java-thread-keeps-running"


def python(*frames: Frame, daemon: bool | None = False, name: str = "worker") -> Thread:
    return thread(*frames, name=name, native_id=30, ident=4, current=False, daemon=daemon)


KEPT: Final = {
    "a thread": hang(main(SHUTDOWN), python(SLEEP)),
    "a thread that is joined": hang(main(JOIN, SHUTDOWN), python(SLEEP)),
    "that of an executor, which is a daemon": hang(main(JOIN, EXECUTORS, SHUTDOWN), python(SLEEP, WORKER, daemon=None)),
}


@pytest.mark.parametrize("one", KEPT.values(), ids=KEPT)
def test_thread_keeps_running(one: Case) -> None:
    assert code(one) == "thread-keeps-running"
    assert evidence_of(one)[0] == '"worker" is in work (test_bridge.py:5)'


OTHER_THREADS: Final = {
    "in another phase": hang(main(SHUTDOWN), python(SLEEP), phase=Phase.CALL),
    "a daemon": hang(main(SHUTDOWN), python(SLEEP, daemon=None)),
    "a handler of the user's own waits": hang(main(SLEEP, SHUTDOWN), python(SLEEP)),
    "the main thread is elsewhere": hang(main(JOIN), python(SLEEP)),
    "an executor's join, and no thread of one": hang(main(JOIN, EXECUTORS, SHUTDOWN), python(SLEEP)),
    "a Java thread alone": hang(main(SHUTDOWN), java(PARK)),
}


@pytest.mark.parametrize("one", OTHER_THREADS.values(), ids=OTHER_THREADS)
def test_no_thread_keeps_running(one: Case) -> None:
    assert code(one) != "thread-keeps-running"
