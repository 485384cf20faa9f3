"""The time left, from what the tests of each mode have taken."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.terminal.eta import Pace

MODES: Final = ("main", "new")
IDS: Final = tuple(f"t.py::test_{n}[{mode}]" for n in range(10) for mode in MODES)


def ran(pace: Pace, mode: str, times: int, seconds: float) -> None:
    for n in range(times):
        pace.ended(f"t.py::test_{n}[{mode}]", seconds)


@pytest.fixture
def pace() -> Pace:
    found = Pace(MODES)
    found.expect(IDS)
    return found


def test_nothing_is_said_before_a_handful_are_done(pace: Pace) -> None:
    ran(pace, "main", 4, 1.0)
    assert pace.left() is None
    ran(pace, "new", 1, 1.0)
    assert pace.left() == 15.0


def test_each_mode_has_its_own_mean(pace: Pace) -> None:
    ran(pace, "main", 8, 1.0)
    ran(pace, "new", 5, 10.0)
    assert pace.left() == 2 * 1.0 + 5 * 10.0
    assert (pace.done, pace.total) == (13, 20)


def test_a_mode_of_which_none_is_done_is_taken_for_one_like_the_others(pace: Pace) -> None:
    ran(pace, "main", 10, 2.0)
    assert pace.left() == 10 * 2.0


def test_several_at_once(pace: Pace) -> None:
    ran(pace, "main", 10, 2.0)
    assert pace.left(at_once=4) == 5.0


def test_tests_that_name_no_mode_are_of_one_kind() -> None:
    pace = Pace(MODES)
    pace.expect(["t.py::test_a", "t.py::test_b[mainly]", "t.py::test_c[new-1]", "t.py::test_d[1-new]"])
    for _ in range(5):
        pace.ended("t.py::test_a", 3.0)
    assert (pace.done, pace.total) == (5, 5)
    assert pace.left() == 3.0


def test_nothing_is_left(pace: Pace) -> None:
    ran(pace, "main", 10, 2.0)
    ran(pace, "new", 10, 2.0)
    assert pace.left() == 0
