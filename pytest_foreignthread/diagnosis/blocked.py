"""Cause of a hang: a signal that was sent, is blocked, and so is never delivered."""

from __future__ import annotations

from collections.abc import Iterator

from ..model.records import Diagnosis
from ..model.stacks import HeldSignal
from ..model.wording import called
from .case import Case


def signals_blocked(case: Case) -> Diagnosis | None:
    proof = tuple(_proof(case))
    if not proof:
        return None
    return Diagnosis(
        "signals-blocked",
        "a signal was sent and does not arrive: whoever it was sent to blocks it, and what a thread blocks the "
        "processes and threads that it starts block too",
        "unblock it in the callback: signal.pthread_sigmask(signal.SIG_UNBLOCK, {...}); start processes from a thread "
        "of Python's, or end them by SIGKILL (Popen.kill), which nothing blocks",
        proof,
    )


def _proof(case: Case) -> Iterator[str]:
    for one in case.evidence.held_signals:
        match one.at:
            case "thread":
                yield f"{one.signal} is pending on {_thread(case, one)}, which blocks it"
            case "child":
                yield f"{one.signal} is pending on the child, all of whose threads block it"
            case _:
                started = f"process {one.id} ({one.name}), which the test started"
                yield f"{one.signal} is pending on {started}, and which blocks it"


def _thread(case: Case, held: HeldSignal) -> str:
    known = next((one for one in case.evidence.threads if one.native_id == held.id), None)
    return f"thread {held.id} ({held.name})" if known is None else called(known)
