"""Races of the zoo in the schedules that show them: what the schedule decides without chance, fails in each round."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

import pytest

from benchmarks.surroundings import ROOT
from pytest_foreignthread.stress.schedule import Schedule, schedule_of
from pytest_foreignthread.stress.seeds import round_seed

from .conftest import RunSuite

RACES: Final = (ROOT / "benchmarks" / "zoo" / "races.py").read_text(encoding="utf-8")
SEED: Final = 1
ROUNDS: Final = 3


def is_late(schedule: Schedule) -> bool:
    # The caller waits 100 ms from its submit on.
    return schedule.late_delay > 0.25


def has_one_thread_to_spare(schedule: Schedule) -> bool:
    return schedule.pool == 1


def round_with(test: str, mode: str, shows: Callable[[Schedule], bool]) -> int:
    """Return the number of the first round of the test whose schedule shows the race."""
    return next(number for number in count(1) if shows(schedule_of(round_seed(SEED, test, mode, number))))


@pytest.mark.parametrize(
    ("test", "mode", "shows", "text"),
    [
        ("test_late_callback", "new", is_late, "a price came after the feed was closed"),
        (
            "TestLostReference::test_lost_reference",
            "new",
            lambda schedule: schedule.drops_callable,
            "nobody has kept the callback",
        ),
        ("test_thread_local_reuse", "pool", has_one_thread_to_spare, "the user of an earlier request"),
    ],
    ids=["late_callback", "lost_reference", "thread_local_reuse"],
)
def test_a_race_shows_in_each_round_of_its_schedule(
    run_suite: RunSuite, test: str, mode: str, shows: Callable[[Schedule], bool], text: str
) -> None:
    number = round_with(f"races.py::{test}", mode, shows)
    ran = run_suite(
        {"races.py": RACES},
        f"races.py::{test}",
        f"--foreign-thread-stress={ROUNDS}",
        f"--foreign-thread-stress-seed={SEED}:{number}",
        "--foreign-thread-stress-shrink=0",
    )
    stress = ran.tests[test]["stress"]
    assert (stress["rounds"], stress["failed"]) == (ROUNDS, ROUNDS), ran.output
    assert text in ran.output
