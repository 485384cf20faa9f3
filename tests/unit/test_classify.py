"""How a child ended and what it left → outcome, signal, exit code and one line of text."""

from __future__ import annotations

import signal
from typing import Final

import pytest

from pytest_foreignthread.diagnosis.classify import classify_end
from pytest_foreignthread.model.null_results import is_null_result, raised_null_result
from pytest_foreignthread.model.observation import End, EndedBy, Exited, Finished, Lost, Message, Observation, Signaled
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Evidence, Verdict
from pytest_foreignthread.model.stacks import FatalError

FRAME: Final = "C  [libc.so.6+0x156219]"
NOTHING: Final = Evidence()


def observed(
    end: End,
    *messages: Message,
    ended_by: EndedBy = EndedBy.ITSELF,
    phase: Phase = Phase.CALL,
    dying: bool = False,
) -> Observation:
    return Observation(messages, end, ended_by, phase, 3.25, phase_duration=2.5, phase_limit=2.5, dying=dying)


def hs_err(signal_name: str | None, message: str = "", address: str | None = None) -> Evidence:
    fatal = FatalError(
        signal_name, address, FRAME, message or f"{signal_name} (0xb) at pc=0x1", None, 7, "main", None, (), ()
    )
    return Evidence(fatal_error=fatal, fatal_python_error="Fatal Python error: Aborted")


Case = tuple[End, Evidence, str | None, int | None, str]
"""How it ended and what it left, then the verdict's signal, exit code and message."""

ABORT: Final = Signaled(signal.SIGABRT)
KILLED: Final = Signaled(signal.SIGKILL)
INTERNAL: Final = "Internal Error (sharedRuntime.cpp:1234), pid=7, tid=8"

SEGFAULTS: Final[dict[str, Case]] = {
    "direct death": (Signaled(signal.SIGSEGV), NOTHING, "SIGSEGV", None, "SIGSEGV"),
    "direct death by a bus error": (Signaled(signal.SIGBUS), NOTHING, "SIGBUS", None, "SIGBUS"),
    "HotSpot's abort": (ABORT, hs_err("SIGSEGV"), "SIGSEGV", None, f"SIGSEGV in {FRAME}"),
    "HotSpot's abort at a bus error": (ABORT, hs_err("SIGBUS"), "SIGBUS", None, f"SIGBUS in {FRAME}"),
    "with an address": (ABORT, hs_err("SIGSEGV", address="0x0"), "SIGSEGV", None, f"SIGSEGV at address 0x0 in {FRAME}"),
    "without a core dump HotSpot exits": (Exited(1), hs_err("SIGSEGV"), "SIGSEGV", 1, f"SIGSEGV in {FRAME}"),
    "hs_err tells more than the death": (
        Signaled(signal.SIGSEGV),
        hs_err("SIGBUS"),
        "SIGBUS",
        None,
        f"SIGBUS in {FRAME}",
    ),
    "its end was not seen": (Lost("gone"), hs_err("SIGSEGV"), "SIGSEGV", None, f"SIGSEGV in {FRAME}"),
}


@pytest.mark.parametrize("case", SEGFAULTS)
def test_segfault(case: str) -> None:
    end, evidence, name, code, message = SEGFAULTS[case]
    assert classify_end(observed(end), evidence) == Verdict(Outcome.SEGFAULT, name, code, message)


ENDS: Final = (KILLED, ABORT, Signaled(signal.SIGSEGV), Signaled(signal.SIGBUS), Exited(0), Exited(3), Lost("gone"))


@pytest.mark.parametrize("evidence", [NOTHING, hs_err("SIGSEGV"), hs_err("SIGBUS")], ids=["nothing", "segv", "bus"])
@pytest.mark.parametrize("end", ENDS)
def test_hang_is_what_the_deadline_ended(end: End, evidence: Evidence) -> None:
    """Whatever its wait status, and what it left: the looks at the child may have killed it."""
    verdict = classify_end(observed(end, ended_by=EndedBy.DEADLINE), evidence)
    assert verdict == Verdict(Outcome.HANG, None, None, "timed out after 2.5 s")


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS"])
def test_a_deadline_in_the_midst_of_a_crash(name: str) -> None:
    verdict = classify_end(observed(KILLED, ended_by=EndedBy.DEADLINE, dying=True), hs_err(name))
    assert verdict == Verdict(Outcome.SEGFAULT, name, None, f"{name} in {FRAME}")


@pytest.mark.parametrize("evidence", [hs_err("SIGILL"), hs_err(None, INTERNAL)])
def test_a_deadline_beside_another_fault_is_a_hang(evidence: Evidence) -> None:
    verdict = classify_end(observed(KILLED, ended_by=EndedBy.DEADLINE), evidence)
    assert verdict is not None
    assert verdict.outcome is Outcome.HANG


def test_a_hang_after_the_last_report() -> None:
    """A child that does not get out of its own exit."""
    verdict = classify_end(observed(KILLED, Finished(), ended_by=EndedBy.DEADLINE, phase=Phase.TEARDOWN), NOTHING)
    assert verdict == Verdict(Outcome.HANG, None, None, "timed out after 2.5 s")


CRASHES: Final[dict[str, Case]] = {
    "abort": (ABORT, NOTHING, "SIGABRT", None, "killed by SIGABRT"),
    "kill": (KILLED, NOTHING, "SIGKILL", None, "killed by SIGKILL"),
    "fatal Python error": (
        ABORT,
        Evidence(fatal_python_error="Fatal Python error: f: the words"),
        "SIGABRT",
        None,
        "killed by SIGABRT: Fatal Python error: f: the words",
    ),
    "HotSpot's internal error": (ABORT, hs_err(None, INTERNAL), "SIGABRT", None, f"killed by SIGABRT: {INTERNAL}"),
    "another fault that HotSpot caught": (
        ABORT,
        hs_err("SIGILL", "SIGILL (0x4) at pc=0x1"),
        "SIGILL",
        None,
        "killed by SIGILL: SIGILL (0x4) at pc=0x1",
    ),
    "internal error, then an exit": (
        Exited(1),
        hs_err(None, INTERNAL),
        None,
        1,
        f"exited with status 1 before its end: {INTERNAL}",
    ),
    "exit 0": (Exited(0), NOTHING, None, 0, "exited with status 0 before its end"),
    "exit 3": (Exited(3), NOTHING, None, 3, "exited with status 3 before its end"),
    "lost": (Lost("the process that keeps the child was killed"), NOTHING, None, None, "the process that keeps the "
             "child was killed"),
}  # fmt: skip


@pytest.mark.parametrize("case", CRASHES)
def test_crash(case: str) -> None:
    end, evidence, name, code, message = CRASHES[case]
    assert classify_end(observed(end), evidence) == Verdict(Outcome.CRASH, name, code, message)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (Exited(3), Verdict(Outcome.CRASH, None, 3, "exited with status 3 after its last report")),
        (ABORT, Verdict(Outcome.CRASH, "SIGABRT", None, "killed by SIGABRT")),
        (Signaled(signal.SIGSEGV), Verdict(Outcome.SEGFAULT, "SIGSEGV", None, "SIGSEGV")),
        (Lost("gone"), Verdict(Outcome.CRASH, None, None, "gone")),
    ],
)
def test_a_death_after_the_last_report(end: End, expected: Verdict) -> None:
    assert classify_end(observed(end, Finished(), phase=Phase.TEARDOWN), NOTHING) == expected


@pytest.mark.parametrize("evidence", [NOTHING, hs_err("SIGSEGV")])
def test_an_end_in_order(evidence: Evidence) -> None:
    """With an hs_err file as well: a process that the test forked inherits HotSpot's handlers, and may crash."""
    assert classify_end(observed(Exited(0), Finished()), evidence) is None


SEGFAULT_SIGNALS: Final = {signal.SIGSEGV, signal.SIGBUS}


@pytest.mark.parametrize("number", sorted(set(signal.Signals) - SEGFAULT_SIGNALS), ids=lambda number: number.name)
def test_death_by_every_signal_with_a_name(number: signal.Signals) -> None:
    verdict = classify_end(observed(Signaled(int(number))), NOTHING)
    assert verdict == Verdict(Outcome.CRASH, number.name, None, f"killed by {number.name}")


@pytest.mark.parametrize("number", sorted({*range(1, 65)} - {int(known) for known in signal.Signals}))
def test_death_by_a_signal_without_a_name(number: int) -> None:
    verdict = classify_end(observed(Signaled(number)), NOTHING)
    assert verdict == Verdict(Outcome.CRASH, f"signal {number}", None, f"killed by signal {number}")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("SystemError", "<built-in function f> returned NULL without setting an exception", True),
        ("SystemError", "<built-in function f> returned NULL without setting an error", True),
        ("SystemError", "<built-in function f> returned a result with an exception set", True),
        ("SystemError", "<built-in function f> returned a result with an error set", True),
        ("SystemError", "<class 'C'> returned NULL without setting an exception", True),
        ("SystemError", "bad argument to internal function", False),
        ("SystemError", "returned NULL", False),
        ("SystemError", "", False),
        ("RuntimeError", "<built-in function f> returned NULL without setting an exception", False),
        ("AssertionError", "<built-in function f> returned a result with an exception set", False),
    ],
)
def test_null_result(kind: str, text: str, expected: bool) -> None:
    assert is_null_result(kind, text) is expected


def test_the_first_null_result_of_a_chain() -> None:
    first, second = "f returned NULL without setting an error", "g returned a result with an error set"
    chain = [("RuntimeError", first), ("SystemError", "plain"), ("SystemError", first), ("SystemError", second)]
    assert raised_null_result(chain) == first
    assert raised_null_result(chain[:2]) is None
    assert raised_null_result([]) is None


BUS: Final = Signaled(signal.SIGBUS)
ABORTS: Final = {
    "faulthandler died of it in its turn": (BUS, Evidence(fatal_python_error="Fatal Python error: Aborted")),
    "the C stack shows it": (BUS, hs_err("SIGABRT")),
    "by a segfault": (Signaled(signal.SIGSEGV), Evidence(fatal_python_error="Fatal Python error: Aborted")),
}


@pytest.mark.parametrize(("end", "evidence"), ABORTS.values(), ids=ABORTS)
def test_a_fault_in_the_handler_of_an_abort_is_an_abort(end: End, evidence: Evidence) -> None:
    verdict = classify_end(observed(end), evidence)
    assert verdict is not None
    assert (verdict.outcome, verdict.signal) == (Outcome.CRASH, "SIGABRT")


def test_a_fault_of_hotspots_is_no_abort() -> None:
    verdict = classify_end(observed(BUS), hs_err("SIGSEGV"))
    assert verdict is not None
    assert (verdict.outcome, verdict.signal) == (Outcome.SEGFAULT, "SIGSEGV")


@pytest.mark.parametrize(("status", "words"), [(0, None), (3, "exited with status 3"), (120, "exited with status 120")])
def test_a_finalized_process_can_say_by_its_status_alone_how_it_ended(status: int, words: str | None) -> None:
    verdict = classify_end(observed(Exited(status), phase=Phase.EXIT), NOTHING)
    if words is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert (verdict.outcome, verdict.exit_code, words in verdict.message) == (Outcome.CRASH, status, True)


def test_status_0_says_nothing_of_another_phase() -> None:
    verdict = classify_end(observed(Exited(0), phase=Phase.TEARDOWN), NOTHING)
    assert verdict is not None
    assert verdict.outcome is Outcome.CRASH
