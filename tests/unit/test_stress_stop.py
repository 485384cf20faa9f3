"""Rounds that stop early: the interval that holds at any stop, when they stop, and what the tally says of it."""

from __future__ import annotations

import math
import random
from types import SimpleNamespace
from typing import Final, cast

import pytest

from pytest_foreignthread.config.stash_keys import SETTINGS
from pytest_foreignthread.model.settings import Settings
from pytest_foreignthread.model.stress_choice import Amount
from pytest_foreignthread.report.stress_words import page_data, table_row
from pytest_foreignthread.run.counted_rounds import CountedRounds
from pytest_foreignthread.stress.anytime import anytime_interval, excludes
from pytest_foreignthread.stress.interval import interval
from pytest_foreignthread.stress.shrunk import Count
from pytest_foreignthread.stress.stopping import StopRule

from .sample_entries import entry
from .sample_tally import ASSERTION, filled

# Computed once with SciPy 1.17.1, by brentq: the roots of betaln(k + 1, n - k + 1) - xlogy(k, p) - xlog1py(n - k, -p)
# = log(1 / alpha).
COMPUTED: Final = [
    *((0, 1, 0.95, 0.0, 0.975), (1, 1, 0.95, 0.025, 1.0), (1, 1, 0.975, 0.0125, 1.0)),
    *((0, 10, 0.95, 0.0, 0.41688), (0, 10, 0.975, 0.0, 0.45593), (1, 10, 0.95, 0.000456, 0.545118)),
    *((5, 10, 0.95, 0.129219, 0.870781), (5, 10, 0.975, 0.110071, 0.889929), (10, 10, 0.95, 0.58312, 1.0)),
    *((3, 400, 0.95, 0.000235, 0.037923), (40, 400, 0.95, 0.055209, 0.161332), (7, 20, 0.975, 0.091431, 0.695246)),
    *((400, 400, 0.95, 0.977776, 1.0), (200, 100000, 0.95, 0.00141, 0.002735)),
]


@pytest.mark.parametrize(("failed", "rounds", "confidence", "low", "high"), COMPUTED)
def test_the_interval_is_the_computed_one(failed: int, rounds: int, confidence: float, low: float, high: float) -> None:
    assert anytime_interval(failed, rounds, confidence) == pytest.approx((low, high), abs=6e-7)


@pytest.mark.parametrize(("failed", "rounds"), [(0, 7), (1, 9), (8, 16), (16, 16)])
def test_the_interval_has_the_rates_that_are_not_excluded(failed: int, rounds: int) -> None:
    low, high = anytime_interval(failed, rounds)
    mixture = 1 / ((rounds + 1) * math.comb(rounds, failed))
    for rate in (step / 1000 for step in range(1, 1000)):
        fits = rate**failed * (1 - rate) ** (rounds - failed) / mixture > 0.05
        assert fits == (low < rate < high) == (not excludes(failed, rounds, rate)), rate


@pytest.mark.parametrize(("failed", "rounds"), [(0, 1), (0, 400), (3, 400), (200, 400), (400, 400), (1, 10**6)])
def test_the_interval_is_wider_than_that_of_a_fixed_number_of_rounds(failed: int, rounds: int) -> None:
    low, high = anytime_interval(failed, rounds)
    exact_low, exact_high = interval(failed, rounds)
    assert 0 <= low <= exact_low <= exact_high <= high <= 1
    assert (low, high) != (exact_low, exact_high)
    assert (excludes(failed, rounds, 0.0), excludes(failed, rounds, 1.0)) == (failed > 0, failed < rounds)


@pytest.mark.parametrize("rate", [0.02, 0.3])
def test_a_run_that_stops_when_the_true_rate_is_excluded_seldom_stops(rate: float) -> None:
    chance = random.Random(2881734021)
    assert sum(stops(chance, rate, runs_to=200) for _ in range(2000)) <= 0.05 * 2000


def stops(chance: random.Random, rate: float, runs_to: int) -> bool:
    failed = 0
    for rounds in range(1, runs_to + 1):
        failed += chance.random() < rate
        if excludes(failed, rounds, rate):
            return True
    return False


def test_equal_rates_are_seldom_called_different() -> None:
    chance, wrong = random.Random(7), 0
    for _ in range(500):
        rule, failed = StopRule({"main": Count(sum(chance.random() < 0.3 for _ in range(60)), 60)}), 0
        for rounds in range(1, 101):
            failed += chance.random() < 0.3
            if rule.reason(Count(failed, rounds), fails=True):
                wrong += 1
                break
    assert wrong <= 0.05 * 500


# The rounds of the other modes, the count of this one, and why its rounds stop.
RULES: Final[list[tuple[dict[str, Count], Count, str]]] = [
    ({}, Count(0, 9), ""),
    ({}, Count(1, 9), "at the first failure"),
    ({"main": Count(0, 400)}, Count(0, 400), ""),
    ({"main": Count(0, 400)}, Count(1, 1), ""),
    ({"main": Count(0, 400)}, Count(2, 2), "because the test fails more often than in main (0 of 400 rounds)"),
    ({"main": Count(0, 1)}, Count(9, 9), ""),
    ({"main": Count(400, 400)}, Count(0, 1), ""),
    ({"main": Count(400, 400)}, Count(0, 2), "because the test fails less often than in main (400 of 400 rounds)"),
    ({"main": Count(200, 400)}, Count(7, 10), ""),
    ({"main": Count(200, 400)}, Count(20, 20), "because the test fails more often than in main (200 of 400 rounds)"),
    ({"new": Count(9, 9), "pool": Count(0, 20)}, Count(0, 9), ""),
    (
        {"new": Count(60, 60), "pool": Count(0, 60)},
        Count(30, 60),
        "because the test fails less often than in new (60 of 60 rounds), more often than in pool (0 of 60 rounds)",
    ),
]


@pytest.mark.parametrize(("others", "count", "reason"), RULES)
def test_rounds_stop_when_a_difference_is_certain(others: dict[str, Count], count: Count, reason: str) -> None:
    assert StopRule(others).reason(count, fails=count.failed > 0) == reason


def test_without_a_control_an_expected_failure_stops_nothing() -> None:
    assert StopRule({}).reason(Count(5, 9), fails=False) == ""


def settings(test: str, mode: str) -> Settings:
    return Settings(mode, mode, 30.0, None, test=test, stress=Amount(60, None))


def counted(*runs: tuple[str, str]) -> CountedRounds:
    items = [SimpleNamespace(stash={SETTINGS: settings(*run)}) for run in runs] + [SimpleNamespace(stash={})]
    return CountedRounds(cast(list[pytest.Item], items))


def test_a_mode_is_compared_with_the_control_as_soon_as_that_has_run() -> None:
    modes = counted(("t", "new"), ("t", "main"), ("t", "pool"), ("u", "main"), ("v", "new"), ("v", "pool"))
    alone = [settings("u", "main"), settings("v", "new"), settings("v", "pool")]
    first_failure = [StopRule({}).reason(Count(1, 1), fails=True)] * 3
    assert [rule.reason(Count(1, 1), fails=True) for one in alone if (rule := modes.stop_rule(one))] == first_failure
    assert modes.stop_rule(settings("t", "new")) is None
    assert modes.stop_rule(settings("t", "main")) is None
    modes.record(settings("t", "new"), 60, 60)
    modes.record(settings("u", "main"), 0, 60)
    assert modes.stop_rule(settings("t", "pool")) is None, "new is no control"
    rule = modes.stop_rule(settings("t", "main"))
    assert rule is not None
    assert rule.reason(Count(0, 9), fails=False) == "because the test fails less often than in new (60 of 60 rounds)"
    modes.record(settings("t", "main"), 0, 9)
    rule = modes.stop_rule(settings("t", "pool"))
    assert rule is not None
    assert rule.reason(Count(9, 9), fails=True) == "because the test fails more often than in main (0 of 9 rounds)"


def test_the_verdict_says_after_how_many_rounds_and_why() -> None:
    tally = filled(7, ASSERTION, planned=Amount(200, None), may_stop=True)
    assert tally.verdict() == (
        "1 of 8 rounds failed (1 failed): 12 %, 95 % interval 0.07–62 %, valid for a run that stops early"
    )
    tally.stopped = "at the first failure"
    assert tally.verdict().endswith("stops early; stopped after 8 of 200 rounds, at the first failure")
    timed = filled(0, ASSERTION, planned=Amount(None, 60.0), may_stop=True)
    timed.stopped = "at the first failure"
    assert timed.verdict() == (
        "1 of 1 round failed (1 failed): over 2.5 % with 95 % confidence, valid for a run that stops early; "
        "stopped after 1 round, before 60 s were over, at the first failure"
    )
    assert filled(200, may_stop=True).verdict() == (
        "0 of 200 rounds failed: under 4.1 % with 95 % confidence, valid for a run that stops early"
    )


def test_the_data_has_the_rounds_that_were_planned() -> None:
    tally = filled(7, ASSERTION, planned=Amount(200, None), may_stop=True)
    tally.stopped = "at the first failure"
    data = tally.as_data((), 1.0)
    assert (data["planned"], data["rounds"]) == ({"rounds": 200, "seconds": None}, 8)
    assert (data["anytime"], data["stopped"]) == (True, "at the first failure")
    assert tuple(data["interval"]) == anytime_interval(1, 8)
    fixed = filled(7, ASSERTION).as_data((), 1.0)
    assert (fixed["anytime"], fixed["stopped"], tuple(fixed["interval"])) == (False, None, interval(1, 8))


@pytest.mark.parametrize(
    ("planned", "seconds", "words"),
    [
        (Amount(200, None), 1.0, "8 of 200"),
        (Amount(8, None), 1.0, "8"),
        (Amount(None, 60.0), 60.25, "8 in 60 s"),
        (Amount(None, 60.0), 1.234, "8 in 1.23 of 60 s"),
    ],
)
def test_the_reports_have_the_rounds_that_are_done_and_planned(planned: Amount, seconds: float, words: str) -> None:
    stress = filled(7, ASSERTION, planned=planned).as_data((), seconds)
    assert page_data(stress)["done"] == words
    assert table_row({**entry("t.py::test[new]", "new"), "stress": stress})[2] == words
