"""Evidence and diagnoses of tests in a child without a JVM: no compiler and no HotSpot helps there."""

from __future__ import annotations

import _ctypes
import os
import platform
import re
import signal
import sys
from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun, functions, run_suite_in

pytestmark = pytest.mark.usefixtures("with_native_stacks")

MODES: Final = ("main", "native", "native-pool")
NO_JVM: Final = "--foreign-thread-jvm=none"

SUITE: Final = """
    import ctypes, os, signal, sys, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode=["main", "native", "native-pool"])

    def test_null_pointer():
        print("before the fault")
        ctypes.string_at(0)

    def test_no_gil(): ctypes.CDLL(None).PyObject_CallNoArgs(ctypes.py_object(len))

    def test_no_gil_in_a_library():
        # zlib calls its allocator: PyObject_CallNoArgs(function)
        stream = (ctypes.c_void_p * 14)()
        stream[8] = ctypes.cast(ctypes.CDLL(None).PyObject_CallNoArgs, ctypes.c_void_p)
        stream[10] = id(os.path.join)
        ctypes.CDLL("libz.so.1").deflateInit_(stream, 6, b"1", 112)

    def test_no_gil_by_its_word(): ctypes.CDLL(None).PyThreadState_Get()

    def test_released_twice():
        state = ctypes.pythonapi.PyGILState_Ensure()
        ctypes.pythonapi.PyGILState_Release(state)
        ctypes.pythonapi.PyGILState_Release(state)

    def test_null_object():
        function = ctypes.PyDLL(None).PyErr_Occurred
        function.restype = ctypes.py_object
        function()

    def test_library(): ctypes.CDLL("libz.so.1").crc32(0, ctypes.c_void_p(8), 64)

    class Ballast(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_char * 4096)]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, Ballast)
    def down(levels, ballast): return levels and down(levels - 1, ballast)

    def test_full_stack():
        sys.setrecursionlimit(1_000_000)
        down(20_000, Ballast())

    def test_aborts(): os.abort()

    def test_sent(): os.kill(os.getpid(), signal.SIGSEGV)

    def test_sent_division(): signal.raise_signal(signal.SIGFPE)

    def test_division(): ctypes.CDLL(None).div(1, 0)

    def test_sent_instruction(): signal.raise_signal(signal.SIGILL)

    def test_bus_error():
        import mmap, tempfile
        file = tempfile.TemporaryFile()
        file.truncate(4096)
        memory = mmap.mmap(file.fileno(), 4096)
        file.truncate(0)
        memory[0]

    def test_waits_with_the_gil(foreign_thread):
        done = ctypes.create_string_buffer(64)
        libc = ctypes.PyDLL(None)
        libc.sem_init(done, 0, 0)
        began = threading.Event()

        def work():
            began.set()
            for _ in range(100): began.wait(0.01), threading.Event().wait(0.01)
            libc.sem_post(done)

        foreign_thread.submit(work, mode="native-pool")
        began.wait()
        libc.sem_wait(done)
    test_waits_with_the_gil = pytest.mark.foreign_thread(timeout=3)(test_waits_with_the_gil)
"""
# Test → outcome, signal, code of the diagnosis, a C function of the stack.
CRASHES: Final = {
    "test_null_pointer": ("segfault", "SIGSEGV", None, "ffi_call"),
    "test_no_gil": ("segfault", "SIGSEGV", "no-gil", "ffi_call"),
    "test_no_gil_in_a_library": ("segfault", "SIGSEGV", "no-gil", "deflateInit2_"),
    # Python 3.13 crashes while it writes its message, before it calls abort().
    "test_no_gil_by_its_word": ("segfault", "SIGSEGV", "no-gil", None)
    if sys.version_info[:2] == (3, 13)
    else ("crash", "SIGABRT", "no-gil", "abort"),
    "test_released_twice": ("segfault", "SIGSEGV", "no-gil", "PyErr_Occurred"),
    "test_null_object": ("segfault", "SIGSEGV", "null-result", "GetResult"),
    "test_library": ("segfault", "SIGSEGV", "native-crash", "crc32_z"),
    "test_full_stack": ("segfault", "SIGSEGV", "deep-recursion", None),
    "test_aborts": ("crash", "SIGABRT", None, "abort"),
    "test_sent": ("segfault", "SIGSEGV", None, None),
    "test_sent_division": ("crash", "SIGFPE", None, "raise"),
    "test_sent_instruction": ("crash", "SIGILL", None, "raise"),
    "test_bus_error": ("segfault", "SIGBUS", None, None),
    "test_waits_with_the_gil": ("hang", None, "gil-deadlock", None),
}


if sys.version_info >= (3, 13, 4):
    # ctypes looks whether the result is NULL, and raises ValueError.
    del CRASHES["test_null_object"]
elif b".symtab" not in Path(getattr(_ctypes, "__file__", sys.executable)).read_bytes():
    # Distributions strip their Python: without the name of this static function nothing proves a null result.
    CRASHES["test_null_object"] = ("segfault", "SIGSEGV", None, None)
SENT: Final = ["test_sent", "test_sent_division", "test_sent_instruction"]


BY_DEFAULT: Final = [
    *(f"{test}-native" for test in CRASHES),
    # A thread's way down to its first frame, and the end of its stack, differ from mode to mode.
    *(f"{test}-{mode}" for test in ("test_null_pointer", "test_full_stack") for mode in MODES if mode != "native"),
]


@pytest.fixture(scope="module")
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    """Those of the crashes that pytest selected; tests below need some, whatever it selected."""
    cases = [item for item in request.session.items if isinstance(item, pytest.Function)]
    chosen = [one.callspec.params for one in cases if one.originalname == test_evidence_without_a_jvm.__name__]
    needed = {"test_null_pointer[native-pool]", "test_library[native]", "test_division[native]"}
    needed |= {f"{test}[native]" for test in SENT}
    tests = sorted(needed | {f"{params['test']}[{params['mode']}]" for params in chosen})
    return run_suite_in(tmp_path_factory.mktemp("crashes"), SUITE, NO_JVM, *(f"test_it.py::{test}" for test in tests))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("test", CRASHES)
@pytest.mark.by_default(*BY_DEFAULT)
def test_evidence_without_a_jvm(suite: SuiteRun, test: str, mode: str) -> None:
    outcome, signal_name, code, function = CRASHES[test]
    entry = suite.tests[f"{test}[{mode}]"]
    diagnosis = entry["diagnosis"] and entry["diagnosis"]["code"]
    assert (entry["outcome"], entry["signal"], diagnosis) == (outcome, signal_name, code), suite.output
    assert entry["jvm"] is False
    if function is not None:
        assert function in functions(entry, "c", current=True)
    # faulthandler writes a hundred frames, which a full stack has more of.
    # A thread that has no thread state has no frames of Python's.
    if test not in ("test_sent", "test_full_stack", "test_released_twice"):
        assert test in functions(entry, "python", current=True)


def test_a_walk_down_the_stack_of_a_pools_thread_ends_there(suite: SuiteRun) -> None:
    """It does not go on in the frames of the thread that made it."""
    found = functions(suite.tests["test_null_pointer[native-pool]"], "c", current=True)
    assert found[-2:] == ["lfind", "__start_context"]


def test_the_address_of_a_fault(suite: SuiteRun) -> None:
    fault = r"^SEGFAULT .*::test_library\[[\w-]+\] - .*, address 0x8 \(null pointer, 8 bytes on\) on "
    ran = sum(test.startswith("test_library[") for test in suite.tests)
    assert len(re.findall(fault, suite.output, re.MULTILINE)) == ran > 0, suite.output


def test_which_signals_were_sent(suite: SuiteRun) -> None:
    told = re.findall(r"^\w+ .*::(test_\w+)\[native\] - .*sent by kill\(\) or raise\(\)", suite.output, re.MULTILINE)
    assert sorted(told) == SENT, suite.output


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="a division by zero is no fault on others")
def test_a_division_by_zero_was_not_sent(suite: SuiteRun) -> None:
    entry = suite.tests["test_division[native]"]
    assert (entry["outcome"], entry["signal"]) == ("crash", "SIGFPE")
    assert entry["fault"].startswith("SIGFPE at address 0x")


def test_a_forked_test_has_its_c_stack(run_suite: RunSuite) -> None:
    source = """
        import ctypes, pytest
        @pytest.mark.forked
        def test_it(): ctypes.string_at(0)
    """
    entry = run_suite(source, NO_JVM).tests["test_it"]
    assert (entry["outcome"], entry["signal"], entry["missing"]) == ("segfault", "SIGSEGV", {})
    assert "ffi_call" in functions(entry, "c", current=True)


LATE: Final = """
    import ctypes, mmap, threading
    import pytest

    @pytest.fixture
    def memory(foreign_thread):
        memory, closed = mmap.mmap(-1, mmap.PAGESIZE), threading.Event()
        yield memory, closed
        memory.close()
        closed.set()
        threading.Event().wait(60)

    @pytest.mark.foreign_thread(mode=["native", "native-pool"])
    def test_outlives_the_test(foreign_thread, memory):
        mapped, closed = memory
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
        def callback():
            closed.wait()
            ctypes.string_at(address, 1)
        foreign_thread.submit(callback)

    @pytest.mark.foreign_thread(mode=["main", "native"])
    def test_outlives_its_caller(foreign_thread):
        closed = threading.Event()
        def callback():
            closed.wait()
            ctypes.string_at(8, 1)
        foreign_thread.submit(callback, mode="native-pool")
        closed.set()
        for _ in iter(int, 1): pass
"""


def test_late_callbacks(run_suite: RunSuite) -> None:
    ran = run_suite(LATE, NO_JVM)
    codes = {name: entry["diagnosis"] and entry["diagnosis"]["code"] for name, entry in ran.tests.items()}
    assert set(codes.values()) == {"late-callback"}, ran.output
    assert len(codes) == 4
    assert set(ran.outcomes.values()) == {"segfault"}


def test_what_a_test_forks_is_not_held(run_suite: RunSuite) -> None:
    source = """
        import ctypes, multiprocessing, os, signal
        import pytest
        @pytest.mark.foreign_thread(mode=["main", "native"])
        def test_fork():
            if (pid := os.fork()) == 0:
                ctypes.string_at(0)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGSEGV
        @pytest.mark.foreign_thread(mode=["main", "native"])
        def test_process():
            process = multiprocessing.get_context("fork").Process(target=os.abort)
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGABRT
    """
    # From Python 3.12 on a fork beside other threads is a warning.
    ran = run_suite(source, NO_JVM, "-p", "no:warnings")
    assert ran.closing_line == "4 passed", ran.output


QUIET: Final = """
    import faulthandler, os, signal
    import pytest

    @pytest.mark.foreign_thread(mode=["main", "native"])
    def test_turned_off():
        faulthandler.disable()
        os.abort()

    @pytest.mark.foreign_thread(mode=["main", "native"], timeout=1)
    def test_waits_with_the_default_action():
        for number in (signal.SIGSEGV, signal.SIGABRT):
            signal.signal(number, signal.SIG_DFL) if os.getpid() == __import__("threading").get_native_id() else None
        signal.pause()
"""


def test_only_a_thread_in_its_crash_is_taken_for_one(run_suite: RunSuite) -> None:
    ran = run_suite(QUIET, NO_JVM)
    assert ran.outcomes == {
        "test_turned_off[main]": "crash",
        "test_turned_off[native]": "crash",
        "test_waits_with_the_default_action[main]": "hang",
        "test_waits_with_the_default_action[native]": "hang",
    }, ran.output


def test_without_pystack_a_crash_does_not_wait(run_suite: RunSuite) -> None:
    source = """
        import ctypes, pytest
        @pytest.mark.foreign_thread(mode=["main", "native"])
        def test_it(): ctypes.string_at(0)
    """
    ran = run_suite(source, NO_JVM, "--foreign-thread-native=off")
    assert set(ran.outcomes.values()) == {"segfault"}
    for entry in ran.tests.values():
        assert functions(entry, "c") == []
        assert "test_it" in functions(entry, "python", current=True)


FULL_STACK: Final = """
    import ctypes, pytest

    def down(levels): return levels and next(map(down, [levels - 1]))

    @pytest.mark.foreign_thread(mode="main")
    def test_it():
        libc, attributes, thread = ctypes.CDLL(None), ctypes.create_string_buffer(64), ctypes.c_ulong()
        libc.pthread_attr_init(attributes)
        # The least that aarch64 has.
        assert libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(131072)) == 0
        run = ctypes.CFUNCTYPE(None)(lambda: down(900))
        libc.pthread_create(ctypes.byref(thread), attributes, run, None)
        libc.pthread_join(thread, None)
"""


def test_a_full_stack_of_a_thread_that_this_plugin_did_not_make(run_suite: RunSuite) -> None:
    """It has no second stack, on which a handler could run."""
    ran = run_suite(FULL_STACK, NO_JVM)
    entry = ran.tests["test_it"]
    assert (entry["outcome"], entry["signal"], entry["diagnosis"]) == ("segfault", "SIGSEGV", None), ran.output
    assert entry["missing"]["thread"].startswith("no handler of the signal ran")
    assert [step.partition(" (")[0] for step in entry["next_steps"]] == [
        "a larger stack for the threads that libraries make"
    ]


WITHOUT_A_CAUSE: Final = """
    import ctypes, os, threading, pytest

    pytestmark = pytest.mark.foreign_thread(mode="main", timeout=2)

    def test_waits(): threading.Event().wait()
    # A signal ends it.
    def test_sleeps_in_c(): ctypes.CDLL(None).sleep(1000)
    def test_is_killed(): os.kill(os.getpid(), 9)
"""


def test_there_is_a_step_to_try_in_the_control_too(run_suite: RunSuite) -> None:
    ran = run_suite(WITHOUT_A_CAUSE, NO_JVM, "--foreign-thread-native=off")
    steps = {name: [step.partition(":")[0] for step in entry["next_steps"]] for name, entry in ran.tests.items()}
    assert steps == {
        "test_waits": ["--foreign-thread-native=auto"],
        "test_sleeps_in_c": [
            "a higher --foreign-thread-timeout",
            "--foreign-thread-modes=main,python",
        ],
        "test_is_killed": ["who sends SIGKILL"],
    }


def test_a_crash_between_two_tests_of_a_shared_child(run_suite: RunSuite) -> None:
    source = """
        import ctypes, threading, pytest
        pytestmark = pytest.mark.foreign_thread(mode="native", isolation="module")
        GO = threading.Event()
        def test_first(foreign_thread):
            foreign_thread.submit(lambda: (GO.wait(), ctypes.string_at(0)))
        def test_second():
            GO.set()
            threading.Event().wait()
    """
    ran = run_suite(source, NO_JVM)
    assert ran.outcomes == {"test_first": "passed", "test_second": "segfault"}, ran.output


def test_no_process_is_left(suite: SuiteRun) -> None:
    left = [
        name
        for name in os.listdir("/proc")
        if name.isdecimal() and name != str(os.getpid()) and _cwd(name) == str(suite.folder)
    ]
    assert left == []
    assert signal.getsignal(signal.SIGSEGV) is not None


def _cwd(pid: str) -> str:
    try:
        return os.readlink(Path("/proc") / pid / "cwd")
    except OSError:
        return ""
