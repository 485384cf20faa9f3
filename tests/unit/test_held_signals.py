from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.evidence.held_signals import parse_held_signals
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stacks import HeldSignal

from .sample_cases import crashed, thread

TERM = "pending\tSIGTERM\tprocess\t71\tsleep\n"
USR1 = "pending\tSIGUSR1\tthread\t7\tpool-1-thread-1\n"
TEXT = f"7\tS\t0.01\t\tpython\n{USR1}{TERM}"


def test_what_all_looks_found() -> None:
    found = (HeldSignal("SIGUSR1", "thread", 7, "pool-1-thread-1"), HeldSignal("SIGTERM", "process", 71, "sleep"))
    assert parse_held_signals([TEXT, TEXT, TEXT]) == found
    assert parse_held_signals([TEXT, TERM]) == found[1:]
    assert parse_held_signals([TEXT, TERM.replace("71", "72")]) == ()


@pytest.mark.parametrize("text", ["", TERM.rstrip(), "pending\tSIGTERM\tmachine\t71\tsleep\n", "pending\tkill\n", "\n"])
def test_other_text(text: str) -> None:
    assert parse_held_signals([text, text]) == ()


@pytest.mark.parametrize("texts", [[], [TEXT]])
def test_one_look_proves_nothing(texts: list[str]) -> None:
    assert parse_held_signals(texts) == ()


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert len(parse_held_signals([text, text])) <= text.count("\n")


def test_the_documents_of_a_hang() -> None:
    documents = {"os_threads": TEXT, "os_threads_2": TEXT, "os_threads_3": TERM}
    evidence = read_evidence(documents, {}, {"python_hang": "no answer"})
    assert evidence.held_signals == (HeldSignal("SIGTERM", "process", 71, "sleep"),)
    assert read_evidence({"os_threads": TEXT}, {}, {"python_hang": "no answer"}).held_signals == ()


def hung(*held: HeldSignal) -> Case:
    return crashed(thread(), outcome=Outcome.HANG, signal=None, held_signals=held)


@pytest.mark.parametrize(
    ("held", "proof"),
    [
        (
            HeldSignal("SIGUSR1", "thread", 7, "pool-1-thread-1"),
            'SIGUSR1 is pending on "pool-1-thread-1", which blocks it',
        ),
        (HeldSignal("SIGUSR1", "thread", 8, "other"), "SIGUSR1 is pending on thread 8 (other), which blocks it"),
        (HeldSignal("SIGTERM", "child", 6, "python"), "SIGTERM is pending on the child, all of whose threads block it"),
        (
            HeldSignal("SIGTERM", "process", 71, "sleep"),
            "SIGTERM is pending on process 71 (sleep), which the test started, and which blocks it",
        ),
    ],
)
def test_the_diagnosis(held: HeldSignal, proof: str) -> None:
    diagnosis = diagnose(hung(held))
    assert diagnosis is not None
    assert (diagnosis.code, diagnosis.evidence) == ("signals-blocked", (proof,))


def test_none_without_one() -> None:
    assert diagnose(hung()) is None
    assert diagnose(replace(hung(HeldSignal("SIGTERM", "process", 71, "sleep")), outcome=Outcome.CRASH)) is None
