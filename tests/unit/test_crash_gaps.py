"""What a report says to be missing after a crash."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model import documents
from pytest_foreignthread.model.observation import EndedBy, Exited, JvmAdopted, Observation, Signaled
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.model.records import Evidence
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.report.pytest import crash_gaps
from pytest_foreignthread.report.pytest.crash_gaps import THREAD, gaps
from pytest_foreignthread.supervise.probes import native

from .sample_records import CRASHED, FATAL

JVM: Final = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")
WITH_JVM: Final = Settings(mode="new", call_mode="new", timeout=5.0, jvm=JVM)
WITHOUT: Final = replace(WITH_JVM, mode="native", jvm=None)
NAMED: Final = Evidence(threads=(CRASHED,))
NOT_INSTALLED: Final = "pystack is not installed"


def killed(number: int, phase: Phase = Phase.CALL) -> Observation:
    return Observation((), Signaled(number), EndedBy.ITSELF, phase, 1.0, 1.0, 5.0)


@pytest.fixture
def no_pystack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "is_wanted", lambda choice: False)


@pytest.fixture
def pystack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "is_wanted", lambda choice: choice != native.OFF)


@pytest.mark.usefixtures("pystack")
def test_abort_beside_a_jvm_says_how_to_get_c_frames() -> None:
    reported = gaps(WITH_JVM, killed(signal.SIGABRT), NAMED)
    assert reported.keys() == {documents.NATIVE}
    assert "try mode main, python or native" in reported[documents.NATIVE]
    assert gaps(replace(WITH_JVM, native="off"), killed(signal.SIGABRT), NAMED) == {}
    assert gaps(WITHOUT, killed(signal.SIGABRT), NAMED) == {}
    assert gaps(WITH_JVM, Observation((), Exited(3), EndedBy.ITSELF, Phase.CALL, 1.0, 1.0, 5.0), NAMED) == {}


@pytest.mark.usefixtures("no_pystack")
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE])
def test_without_pystack_each_crash_that_it_could_have_seen_names_it(number: int) -> None:
    assert NOT_INSTALLED in gaps(WITHOUT, killed(number), NAMED)[documents.NATIVE]
    faulted = replace(NAMED, fatal_error=FATAL)
    assert NOT_INSTALLED in gaps(WITH_JVM, killed(signal.SIGABRT), faulted)[documents.NATIVE]
    assert documents.NATIVE not in gaps(replace(WITHOUT, native="off"), killed(number), NAMED)


@pytest.mark.usefixtures("pystack")
def test_the_projects_own_jvm_does_not_wait() -> None:
    adopted = replace(killed(signal.SIGABRT), messages=(JvmAdopted("25", ""),))
    assert "the project's own" in gaps(WITH_JVM, adopted, replace(NAMED, fatal_error=FATAL))[documents.NATIVE]


@pytest.mark.parametrize(("number", "name"), [(signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM"), (60, "60")])
def test_a_signal_that_no_handler_answers_left_no_stacks(number: int, name: str) -> None:
    reported = gaps(WITH_JVM, killed(number), Evidence())
    assert reported.keys() == {documents.PYTHON}
    assert name in reported[documents.PYTHON]
    assert "at once" in reported[documents.PYTHON]


@pytest.mark.usefixtures("pystack")
@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (
            Evidence(fatal_python_error="Fatal Python error: Aborted"),
            "no document tells which thread it was",
        ),
        (Evidence(fatal_error=FATAL), "no document tells which thread it was"),
        (Evidence(threads=(replace(CRASHED, current=False),)), "no document tells which thread it was"),
        (Evidence(threads=(replace(CRASHED, name=None),)), "pthread_setname_np"),
        (Evidence(threads=(replace(CRASHED, name=""),)), "pthread_setname_np"),
    ],
)
def test_thread_that_has_no_name(evidence: Evidence, words: str) -> None:
    assert words in gaps(WITHOUT, killed(signal.SIGSEGV), evidence)[THREAD]
    assert THREAD not in gaps(WITHOUT, killed(signal.SIGSEGV), NAMED)


def test_a_silent_death_is_that_of_a_full_stack_without_one_for_handlers() -> None:
    words = "no handler of the signal ran"
    assert words in gaps(WITHOUT, killed(signal.SIGSEGV), Evidence())[THREAD]
    assert words not in gaps(WITHOUT, killed(signal.SIGABRT), Evidence())[THREAD]
    # HotSpot's document says so itself.
    assert words not in gaps(WITH_JVM, killed(signal.SIGSEGV), Evidence())[THREAD]


def test_silent_death_beside_a_jvm_is_that_of_a_handler() -> None:
    reported = gaps(WITH_JVM, killed(signal.SIGSEGV), NAMED)
    assert "HotSpot's handler of the signal did not run" in reported[documents.HS_ERR]


@pytest.mark.parametrize("phase", [Phase.FORK, Phase.JVM])
def test_death_before_the_test_is_none_of_these(phase: Phase) -> None:
    assert crash_gaps.gaps(WITH_JVM, killed(signal.SIGABRT, phase), Evidence()) == {}
