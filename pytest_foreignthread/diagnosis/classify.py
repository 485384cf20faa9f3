"""Decides the outcome of a child's end from the observation and the evidence. No other module decides that."""

from __future__ import annotations

from ..model.fault_signals import MEMORY, signal_name
from ..model.observation import End, EndedBy, Exited, Lost, Observation, Signaled
from ..model.outcomes import Outcome
from ..model.records import Evidence, Verdict


def classify_end(observation: Observation, evidence: Evidence) -> Verdict | None:
    """Return how the child died; None if it ended in order, because then its reports have the outcome.

    The evidence goes before the wait status: one segfault shows up as SIGABRT, SIGSEGV or exit status 1, depending on
    which handlers were installed.
    """
    if observation.refused:
        return Verdict(Outcome.ERROR, None, None, observation.refused)
    if observation.waits_for_order:
        return None
    fault = evidence.fatal_error.signal if evidence.fatal_error else None
    name, code = _end(observation.end)
    if name in MEMORY and "SIGABRT" in (fault, _signal_of(evidence.fatal_python_error)) and fault not in MEMORY:
        # The process called abort(), and faulthandler's handler of SIGABRT then crashed itself.
        name = "SIGABRT"
    by_deadline = observation.ended_by is EndedBy.DEADLINE
    if observation.finished and code == 0 and not by_deadline:
        # The child ended well. An hs_err file, if any, is of a process that the test forked: it inherits HotSpot's
        # handlers.
        return None
    # A fault after the deadline does not count: the looks at the child, or the SIGCONT that wakes it, may have caused
    # the fault.
    if not observation.passed_its_deadline and (fault in MEMORY or name in MEMORY):
        true = fault if fault in MEMORY else name
        return Verdict(Outcome.SEGFAULT, true, code, _segfault_message(true, evidence))
    if by_deadline:
        return Verdict(Outcome.HANG, None, None, f"timed out after {observation.phase_limit:g} s")
    return Verdict(Outcome.CRASH, fault or name, code, _crash_message(observation, fault or name, evidence))


def _signal_of(fatal_python_error: str | None) -> str | None:
    return "SIGABRT" if fatal_python_error == "Fatal Python error: Aborted" else None


def _end(end: End) -> tuple[str | None, int | None]:
    """Return the name of the signal and the exit status; None for what the end does not have."""
    if isinstance(end, Exited):
        return None, end.code
    if isinstance(end, Signaled):
        return signal_name(end.signal), None
    assert isinstance(end, Lost)
    return None, None


def _segfault_message(name: str | None, evidence: Evidence) -> str:
    error = evidence.fatal_error
    address = f" at address {error.address}" if error and error.address else ""
    frame = f" in {error.problematic_frame}" if error and error.problematic_frame else ""
    return f"{name}{address}{frame}"


def _crash_message(observation: Observation, name: str | None, evidence: Evidence) -> str:
    end = observation.end
    if isinstance(end, Exited):
        place = "after its last report" if observation.finished else "before its end"
        ended = f"exited with status {end.code} {place}"
    else:
        ended = end.reason if isinstance(end, Lost) else f"killed by {name}"
    # HotSpot's message first: HotSpot ends the process by abort(), so faulthandler's message is only "Aborted".
    fatal = (evidence.fatal_error.message if evidence.fatal_error else "") or evidence.fatal_python_error
    return f"{ended}: {fatal}" if fatal else ended
