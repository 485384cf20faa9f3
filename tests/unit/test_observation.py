"""Messages of a child by their kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pytest_foreignthread.model.observation import (
    EndedBy,
    Exited,
    Finished,
    JvmFailed,
    Observation,
    PhaseStarted,
    ThreadNamed,
)
from pytest_foreignthread.model.outcomes import Phase

MAIN, OTHER = ThreadNamed(1, 10, "main"), ThreadNamed(2, 20, "other")
SEEN: Final = Observation(
    (PhaseStarted(Phase.SETUP), MAIN, PhaseStarted(Phase.CALL), OTHER, Finished()),
    Exited(0),
    EndedBy.ITSELF,
    Phase.CALL,
    duration=1.0,
    phase_duration=0.5,
    phase_limit=30.0,
)


def test_the_messages_of_a_kind_come_in_their_order() -> None:
    assert SEEN.all(ThreadNamed) == (MAIN, OTHER)
    assert SEEN.first(ThreadNamed) is MAIN
    assert SEEN.first(PhaseStarted) == PhaseStarted(Phase.SETUP)


def test_a_kind_that_did_not_come() -> None:
    assert (SEEN.all(JvmFailed), SEEN.first(JvmFailed)) == ((), None)


def test_finished_is_known_by_its_message() -> None:
    assert SEEN.finished
    assert not replace(SEEN, messages=SEEN.messages[:-1]).finished
