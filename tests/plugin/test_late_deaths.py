"""A child that dies after its deadline has hung, whatever killed it: the looks at its stacks, or its own wake."""

from __future__ import annotations

from typing import Any, Final

import pytest

from .conftest import SuiteRun, functions, run_suite_in

SUITE: Final = """
    import ctypes, os, signal, threading, time
    import pytest
    from pytest_foreignthread.model.settings import DUMP_SIGNAL

    def segfault(*_):
        ctypes.string_at(0)

    def abort(*_):
        os.abort()

    def leave(*_):
        os._exit(3)

    def answer_signals():
        while True:
            time.sleep(0.01)

    DEEDS = {"segfault": segfault, "abort": abort, "leave": leave}

    @pytest.mark.foreign_thread(mode="main")
    @pytest.mark.parametrize("deed", ["segfault", "leave"])
    def test_woken(deed):
        # The looks at a stopped child begin with its wake.
        signal.signal(signal.SIGCONT, DEEDS[deed])
        os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait()

    @pytest.mark.foreign_thread(mode="main")
    @pytest.mark.parametrize("fails", [False, True])
    def test_goes_on(fails):
        os.kill(os.getpid(), signal.SIGSTOP)
        assert not fails

    @pytest.mark.foreign_thread(mode="main")
    @pytest.mark.parametrize("deed", ["segfault", "abort"])
    def test_asked_for_its_stacks(deed):
        signal.signal(DUMP_SIGNAL, DEEDS[deed])
        answer_signals()

    @pytest.mark.foreign_thread(mode="main")
    def test_asked_for_java_stacks(jvm):
        signal.signal(signal.SIGQUIT, segfault)
        answer_signals()

    @pytest.mark.forked
    def test_without_a_jvm():
        signal.signal(signal.SIGCONT, segfault)
        os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait()
"""
DIED: Final = "the child ended by itself while its stacks were taken"


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("late"), SUITE, "--foreign-thread-timeout=1")


def entry(run: SuiteRun, name: str) -> dict[str, Any]:
    found: dict[str, Any] = run.tests[name]
    return found


NAMES: Final = (
    "test_woken[segfault]",
    "test_woken[leave]",
    "test_asked_for_its_stacks[segfault]",
    "test_asked_for_its_stacks[abort]",
    "test_asked_for_java_stacks",
    "test_without_a_jvm",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_death_after_the_deadline_is_a_hang(late: SuiteRun, name: str) -> None:
    found = entry(late, name)
    assert (found["outcome"], found["signal"], found["exit_code"]) == ("hang", None, None), late.output
    assert found["message"] == "timed out after 1 s"
    assert found["problematic_frame"] is None
    assert DIED in found["notes"], found


@pytest.mark.parametrize("name", ["test_goes_on[False]", "test_goes_on[True]"])
def test_a_stopped_test_that_ends_once_it_is_woken_is_one_hang(late: SuiteRun, name: str) -> None:
    assert entry(late, name)["outcome"] == "hang", late.output
    assert late.closing_line == "8 hang"


def test_a_crash_that_began_before_the_deadline_is_a_crash(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The deadline passes while HotSpot is writing: OnError keeps it from its end."""
    suite = """
        import ctypes
        import pytest

        @pytest.mark.foreign_thread(mode="new", timeout=2, jvm_args="-XX:OnError=sleep${IFS}600")
        def test_it():
            ctypes.string_at(0)
    """
    run = run_suite_in(tmp_path_factory.mktemp("early"), suite, "--foreign-thread-native=off")
    found = entry(run, "test_it")
    assert (found["outcome"], found["signal"]) == ("segfault", "SIGSEGV"), run.output
    assert "string_at" in functions(found, "python") or found["problematic_frame"]
