"""Tests whose child ends as a program does."""

from __future__ import annotations

import re
import sys
from typing import Final

import pytest

from .conftest import WITH_NATIVE_STACKS, RunSuite, current_thread, functions

INI: Final = "[pytest]\nforeign_thread_finalize = true\nforeign_thread_timeout = 20\n"
CLEAN: Final = """
    import atexit
    import pytest

    @pytest.mark.foreign_thread(mode=["main", "same", "new", "pool", "forkjoin", "scheduled", "virtual", "python"])
    def test_with_a_jvm(jvm): atexit.register(print, "with a JVM")

    @pytest.mark.foreign_thread(mode=["main", "python", "native", "native-pool"], isolation="session")
    def test_without_one(foreign_thread): assert foreign_thread.call(lambda: 3, mode="native-pool") == 3
"""


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.thorough)])
def test_nothing_keeps_a_clean_test_in_any_mode(run_suite: RunSuite, start: str) -> None:
    ran = run_suite({"pytest.ini": INI, "test_it.py": CLEAN}, f"--foreign-thread-start={start}")
    assert ran.closing_line == "12 passed", ran.output


ENDS: Final = """
    import atexit, os, sys, threading
    import pytest

    def leave(status): os._exit(status)

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_status(record_property):
        record_property("kept", "yes")
        print("in the body")
        atexit.register(leave, 3)

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_after_a_status(): pass

    def fail(): raise ValueError("in a handler")

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_exception_of_a_handler(): atexit.register(fail)

    class Unshown:
        def __call__(self): raise ValueError("in an unshown handler")
        def __repr__(self): raise ValueError("in the repr")

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_exception_of_a_handler_without_a_repr(): atexit.register(Unshown())

    @pytest.mark.foreign_thread(mode="main", finalize=True)
    def test_exception_of_a_thread():
        main = threading.main_thread()
        def run():
            main.join()
            raise ValueError("in a thread")
        threading.Thread(target=run, name="late").start()

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_that_fails():
        atexit.register(leave, 3)
        raise AssertionError("in the body")

    @pytest.fixture
    def broken():
        yield
        raise AssertionError("in the teardown")

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_whose_teardown_fails(broken): atexit.register(leave, 3)

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_that_is_skipped():
        atexit.register(leave, 3)
        pytest.skip("later")

    @pytest.mark.xfail(reason="known")
    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_that_is_expected_to_fail():
        atexit.register(leave, 3)
        raise AssertionError

    @pytest.mark.foreign_thread(mode="native")
    def test_of_another_child(): atexit.register(leave, 3)
"""
OUTCOMES: Final = {
    "test_status": ("crash", "exit"),
    "test_after_a_status": ("passed", "call"),
    "test_exception_of_a_handler": ("passed", "call"),
    "test_exception_of_a_handler_without_a_repr": ("passed", "call"),
    "test_exception_of_a_thread": ("passed", "call"),
    "test_that_fails": ("failed", "call"),
    "test_whose_teardown_fails": ("error", "teardown"),
    "test_that_is_skipped": ("skipped", "call"),
    "test_that_is_expected_to_fail": ("xfailed", "call"),
    "test_of_another_child": ("passed", "call"),
}


def test_how_it_ends_is_an_outcome_of_its_own(run_suite: RunSuite) -> None:
    ran = run_suite(ENDS, "--junitxml=junit.xml")
    assert {name: (one["outcome"], one["phase"]) for name, one in ran.tests.items()} == OUTCOMES, ran.output
    assert "___ exit of test_status ___" in ran.output
    assert "exited with status 3 in exit" in ran.output
    assert re.search(
        r"PytestUnraisableExceptionWarning: Exception ignored in atexit callback.* <function fail", ran.output
    )
    unshown = "" if sys.version_info >= (3, 13) else ".*<Unshown, whose repr raised ValueError>"
    assert re.search(
        rf"PytestUnraisableExceptionWarning: Exception ignored{unshown}(?s:.*)in an unshown handler", ran.output
    )
    assert "PytestUnhandledThreadExceptionWarning: Exception in thread late" in ran.output
    junit = (ran.folder / "junit.xml").read_text()
    assert junit.count("<error ") == 2
    assert "in the body" in junit
    assert '<property name="kept" value="yes"' in junit


HANDLERS: Final = """
    import atexit, os, pathlib, tempfile
    import pytest

    OWN = pathlib.Path(__file__).parent
    FOLDER = tempfile.TemporaryDirectory()

    def write(name): OWN.joinpath(name).write_text(str(os.getpid()))

    atexit.register(write, "of_module")

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_child(): atexit.register(write, "of_test")

    def test_here():
        assert os.path.isdir(FOLDER.name)
        assert OWN.joinpath("of_test").read_text() == OWN.joinpath("of_module").read_text() != str(os.getpid())
"""


def test_handlers_that_were_there_before_and_those_of_the_test(run_suite: RunSuite) -> None:
    ran = run_suite(HANDLERS)
    assert ran.closing_line == "2 passed", ran.output


FORKED: Final = """
    import atexit, threading
    import pytest

    @pytest.mark.forked
    def test_clean(): pass

    @pytest.mark.forked
    def test_thread(): threading.Thread(target=threading.Event().wait, name="waits").start()
"""


def test_tests_that_are_forked_end_so_too(run_suite: RunSuite) -> None:
    ran = run_suite({"pytest.ini": INI, "test_it.py": FORKED}, "--foreign-thread-timeout=3")
    assert ran.outcomes == {"test_clean": "passed", "test_thread": "hang"}, ran.output
    assert ran.tests["test_thread"]["diagnosis"]["code"] == "thread-keeps-running"
    assert current_thread(ran.tests["test_thread"]) == "MainThread"


STATIC: Final = """
    import ctypes
    import pytest

    LIBC = ctypes.CDLL(None)

    @pytest.mark.foreign_thread(mode="native", finalize=True, timeout=3)
    def test_destructor_that_waits():
        LIBC.on_exit(LIBC.pause, None)

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_destructor_that_aborts():
        LIBC.on_exit(LIBC.abort, None)

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_destructor_with_a_bad_address():
        LIBC.on_exit(LIBC.strlen, None)
"""


def test_what_libraries_do_after_python_has_gone(run_suite: RunSuite) -> None:
    """faulthandler has gone too, and answers no signal."""
    ran = run_suite(STATIC, WITH_NATIVE_STACKS)
    assert ran.outcomes == {
        "test_destructor_that_waits": "hang",
        "test_destructor_that_aborts": "crash",
        "test_destructor_with_a_bad_address": "segfault",
    }, ran.output
    for entry in ran.tests.values():
        assert entry["phase"] == "exit"
        assert current_thread(entry) == "MainThread"
        assert "__run_exit_handlers" in functions(entry, "c", current=True)
    assert "the child ended by itself" not in ran.output


BY_EXIT: Final = """
    import ctypes
    import pytest

    KEPT = []

    @pytest.mark.foreign_thread(mode=["main", "native"], finalize=True)
    def test_handler():
        KEPT.append(ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None))
        ctypes.CDLL(None).__cxa_atexit(KEPT[0], None, None)
"""


@pytest.mark.usefixtures("with_native_stacks")
def test_a_handler_of_exit_that_calls_python(run_suite: RunSuite) -> None:
    """It does take the GIL: there is none any more."""
    ran = run_suite(BY_EXIT, "--foreign-thread-jvm=none")
    for entry in ran.tests.values():
        assert (entry["outcome"], entry["phase"]) == ("segfault", "exit"), ran.output
        # Without debug symbols libc's function that calls the handlers has no name, and then nothing is proved.
        named = "__run_exit_handlers" in functions(entry, "c", current=True)
        assert (entry["diagnosis"] or {}).get("code") == ("callback-at-exit" if named else None)


IN_LIBRARY: Final = """
    import ctypes, faulthandler
    import pytest

    ZLIB = ctypes.CDLL("libz.so.1")

    @pytest.mark.foreign_thread(mode="native", finalize=True)
    def test_at_exit(): ctypes.CDLL(None).__cxa_atexit(ZLIB.inflateEnd, ctypes.c_void_p(8), None)

    @pytest.mark.foreign_thread(mode=["main", "native"])
    def test_without_faulthandler():
        faulthandler.disable()
        ZLIB.inflateEnd(ctypes.c_void_p(8))
"""


@pytest.mark.usefixtures("with_native_stacks")
def test_without_faulthandler_the_code_of_a_crash_is_known(run_suite: RunSuite) -> None:
    """The end of Python takes its handler away, too."""
    ran = run_suite(IN_LIBRARY, "--foreign-thread-jvm=none")
    assert len(ran.tests) == 3
    for entry in ran.tests.values():
        assert (entry["outcome"], entry["diagnosis"]["code"]) == ("segfault", "native-crash"), ran.output
        assert entry["fault"].startswith("SIGSEGV at address 0x")
