"""The course of a test's rounds: bins of outcomes and durations, in bounded memory."""

from __future__ import annotations

import random
import statistics
from collections import Counter

import pytest

from pytest_foreignthread.stress.course import MOST_BINS, Course


@pytest.mark.parametrize("rounds", [1, 2, MOST_BINS, MOST_BINS + 1, 3 * MOST_BINS, 1000])
def test_each_round_is_in_one_bin(rounds: int) -> None:
    course = Course()
    for number in range(1, rounds + 1):
        course.add("failed" if number % 7 == 0 else "passed", 0.001)
    bins = course.bins()
    assert 1 <= len(bins) <= MOST_BINS
    assert [one["first"] for one in bins] == [1, *(one["last"] + 1 for one in bins[:-1])]
    assert bins[-1]["last"] == rounds
    for one in bins:
        failed = sum(number % 7 == 0 for number in range(one["first"], one["last"] + 1))
        size = one["last"] - one["first"] + 1
        assert Counter(one["outcomes"]) == Counter({"failed": failed, "passed": size - failed})


def test_the_median_is_known_within_a_percent() -> None:
    chance, course = random.Random(3), Course()
    seconds = [chance.lognormvariate(-5, 2) for _ in range(1001)]
    for one in seconds:
        course.add("passed", one)
    found = course.durations()
    assert found["median"] == pytest.approx(statistics.median(seconds), rel=0.011)
    assert (found["min"], found["max"]) == (min(seconds), max(seconds))


@pytest.mark.parametrize("seconds", [0.0, 1e-12, 0.003, 1e6])
def test_one_round_is_its_own_median(seconds: float) -> None:
    course = Course()
    course.add("passed", seconds)
    assert course.durations() == {"min": seconds, "median": seconds, "max": seconds}
