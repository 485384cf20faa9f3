"""Stressed tests in numbers: amounts, seeds, schedules, the exact interval, rows of failures."""

from __future__ import annotations

import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Final, cast

import pytest

from pytest_foreignthread.config import option_values, stress_options
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stress_choice import Amount, Part, Seed
from pytest_foreignthread.stress.interval import at_most, interval, percent
from pytest_foreignthread.stress.schedule import POOLS, STACKS, SWITCH, Schedule, schedule_of
from pytest_foreignthread.stress.seeds import new_run_seed, round_seed
from pytest_foreignthread.stress.tally import MOST_ROWS, Failure, Tally, lines_of

from .sample_tally import ASSERTION, HANG, SEGFAULT, filled

# Clopper–Pearson at 95 %: 1 and 5 of 10 and 10 of 100 as statistical tables print them.
PUBLISHED: Final = [
    (1, 10, 0.0025, 0.4450),
    (2, 10, 0.0252, 0.5561),
    (5, 10, 0.1871, 0.8129),
    (9, 10, 0.5550, 0.9975),
    (10, 100, 0.0490, 0.1762),
    (3, 400, 0.0015, 0.0218),
]


@pytest.mark.parametrize(("failed", "rounds", "low", "high"), PUBLISHED)
def test_the_interval_is_that_of_the_tables(failed: int, rounds: int, low: float, high: float) -> None:
    assert interval(failed, rounds) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("rounds", [1, 20, 400, 10**6])
def test_without_a_failure_the_bound_is_one_sided(rounds: int) -> None:
    low, high = interval(0, rounds)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.05 ** (1 / rounds))
    assert interval(rounds, rounds) == pytest.approx((1 - high, 1.0))


@pytest.mark.parametrize(("failed", "rounds", "rate"), [(0, 5, 0.5), (3, 40, 0.1), (17, 60, 0.25), (60, 60, 0.9)])
def test_the_tail_is_exact(failed: int, rounds: int, rate: float) -> None:
    exact = Fraction(rate)
    terms = (math.comb(rounds, i) * exact**i * (1 - exact) ** (rounds - i) for i in range(failed + 1))
    assert at_most(failed, rounds, rate) == pytest.approx(float(sum(terms)), rel=1e-11)


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0.0075, "0.75"),
        (0.0016, "0.16"),
        (0.0218, "2.2"),
        (0, "0"),
        (1, "100"),
        (0.5, "50"),
        (0.99999, "99.9"),
        (0.05, "5"),
    ],
)
def test_percent_has_two_digits(rate: float, text: str) -> None:
    assert percent(rate) == text


AMOUNTS: Final[list[tuple[object, Amount]]] = [
    ("100", Amount(100, None)),
    (1, Amount(1, None)),
    ("60s", Amount(None, 60.0)),
    ("0.5s", Amount(None, 0.5)),
]
BAD_AMOUNTS: Final[list[object]] = [
    "0",
    "-3",
    "many",
    "",
    "0s",
    "-1s",
    "1e3",
    "nan",
    "infs",
    "٣",
    "1.5",
    0,
    -1,
    True,
    None,
]


@pytest.mark.parametrize(("given", "amount"), AMOUNTS)
def test_an_amount_is_of_rounds_or_of_seconds(given: object, amount: Amount) -> None:
    assert option_values.stress(given) == amount


@pytest.mark.parametrize("given", [*BAD_AMOUNTS, "1" * 30, "9" * 8 + "s"])
def test_what_is_no_amount_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="expected a number of rounds from 1 to 1000000000"):
        option_values.stress(given)


def test_an_amount_is_reached_by_its_own_measure() -> None:
    assert not Amount(3, None).is_reached(2, 1e9)
    assert Amount(3, None).is_reached(3, 0)
    assert not Amount(None, 5.0).is_reached(0, 9.0), "one round is the least"
    assert Amount(None, 5.0).is_reached(1, 5.0)


SEEDS: Final = [
    *(Seed(0), Seed(2**32 - 1), Seed(7, 1), Seed(2881734021, 37)),
    *(Seed(7, 37, ()), Seed(7, 37, (Part("pool"),)), Seed(7, 37, (Part("submit", 4), Part("yield")))),
]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_is_read_as_it_is_written(seed: Seed) -> None:
    assert option_values.stress_seed(str(seed)) == seed


BAD_SEEDS: Final = ["", "x", "-1", "1:0", "1:", ":1", str(2**32), "9" * 30, "1.5", True, "1:2:3:4"]
BAD_PARTS: Final = [
    *("3", "", "swim", "pool,", "pool,pool", "submit,submit/2", "pool/2", "submit/0", "submit/1.5", "none,pool"),
]


@pytest.mark.parametrize("given", [*BAD_SEEDS, "1::pool", *(f"1:2:{parts}" for parts in BAD_PARTS)])
def test_what_is_no_seed_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="expected a seed"):
        option_values.stress_seed(given)


@pytest.mark.parametrize(("given", "seconds"), [("0", 0.0), (0, 0.0), ("10", 10.0), (0.5, 0.5), ("2.25", 2.25)])
def test_a_search_has_seconds(given: object, seconds: float) -> None:
    assert option_values.shrink_seconds(given) == seconds


@pytest.mark.parametrize("given", ["", "-1", "ten", "10s", "nan", "inf", "1e3", "9" * 9, "٣", True, None])
def test_what_is_no_time_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="expected a number of seconds from 0, for off, to 10000000"):
        option_values.shrink_seconds(given)


@pytest.mark.parametrize("hindrance", ["usepdb", "trace", "collectonly", "setuponly", "setupplan"])
@pytest.mark.parametrize("name", ["stress", "stress_seed", "stress_threads", "stress_stop"])
def test_the_command_line_is_of_rounds_or_of_one_run(hindrance: str, name: str) -> None:
    given = {f"--foreign-thread-{name.replace('_', '-')}": "3", hindrance: True}
    config = cast(pytest.Config, SimpleNamespace(getoption=lambda option, default=None: given.get(option, default)))
    with pytest.raises(pytest.UsageError, match=r"^--foreign-thread-stress(-seed|-threads|-stop)?: expected no --"):
        stress_options.check_stress(config)
    del given[hindrance]
    stress_options.check_stress(config)


def test_a_rounds_seed_depends_on_run_test_mode_and_number_only() -> None:
    first = round_seed(7, "test_a.py::test", "new", 1)
    assert first == round_seed(7, "test_a.py::test", "new", 1) == 12097659743533445260
    others = [(8, "test_a.py::test", "new", 1), (7, "test_b.py::test", "new", 1), (7, "test_a.py::test", "same", 1)]
    seeds = {round_seed(*other) for other in [*others, (7, "test_a.py::test", "new", 2)]}
    assert len(seeds) == 4
    assert first not in seeds


def test_processes_of_one_run_have_one_seed() -> None:
    assert new_run_seed("a run") == new_run_seed("a run") != new_run_seed("another")
    assert 0 <= new_run_seed("a run").run < 2**32
    assert new_run_seed(None) != new_run_seed(None)


def test_a_schedule_comes_from_its_seed_and_stays_in_bounds() -> None:
    schedules = [schedule_of(seed) for seed in range(500)]
    assert schedules == [schedule_of(seed) for seed in range(500)]
    assert all(1e-6 <= one.switch_interval <= SWITCH for one in schedules)
    late = [one.late_delay for one in schedules if one.late_delay]
    assert 20 < len(late) < 90
    assert all(0.01 <= delay <= 0.3 for delay in late)
    assert 200 < sum(one.drops_callable for one in schedules) < 300
    cancels = [one.cancel_delay for one in schedules if one.cancel_delay]
    assert 20 < len(cancels) < 90
    assert all(1e-6 <= delay <= SWITCH for delay in cancels)
    delays = [getattr(one, f"{name}_delay") for one in schedules for name in ("submit", "enter", "return")]
    assert all(delay == 0 or 1e-6 <= delay <= SWITCH for delay in delays)
    assert {one.pool for one in schedules} == set(POOLS)
    assert {one.stack for one in schedules} == set(STACKS)
    assert {one.java_collects for one in schedules} == {True, False}
    assert [Schedule(**one.as_data()) for one in schedules] == schedules


def test_a_schedule_says_what_differs_from_an_ordinary_run() -> None:
    assert str(Schedule(1)) == "as in an ordinary run"
    shaken = Schedule(1, 2e-6, 7e-4, 0.0, 3e-3, 0.5, 0.001, java_collects=True, stack=262144, pool=1, late_delay=0.12)
    assert str(shaken) == (
        "switch interval 2 µs, delay at submit 700 µs, behind it 3.0 ms, yields at 50 % of the functions, "
        "collections at 0.1 % of the functions, System.gc(), stack 256k, pool of 1, "
        "submitted calls late by 120.0 ms"
    )
    # CPython has whole microseconds.
    assert str(Schedule(1, 2.9e-6)) == "switch interval 2 µs"
    assert str(Schedule(1, drops_callable=True, cancel_delay=4e-5)) == (
        "callable dropped, Java future cancelled 40 µs after the call began"
    )


def test_the_verdict_has_rate_and_interval() -> None:
    assert filled(397, SEGFAULT, SEGFAULT, HANG).verdict() == (
        "3 of 400 rounds died (2 segfault, 1 hang): 0.75 %, 95 % interval 0.15–2.2 %"
    )
    assert filled(400).verdict() == "0 of 400 rounds failed: under 0.75 % with 95 % confidence"
    assert filled(0, ASSERTION).verdict() == "1 of 1 round failed (1 failed): over 5 % with 95 % confidence"
    assert filled(1, ASSERTION, SEGFAULT).verdict().startswith("2 of 3 rounds failed (1 failed, 1 segfault): 67 %")
    interrupted = filled(9)
    interrupted.is_interrupted = True
    assert interrupted.verdict().endswith("confidence; the run was interrupted")


def test_equal_failures_are_one_row_with_the_first_seed() -> None:
    other = Failure(Outcome.SEGFAULT, "no-gil", "another frame")
    tally = filled(2, HANG, SEGFAULT, SEGFAULT, other)
    assert [(row.failure, row.count, row.first_round, str(row.seed)) for row in tally.rows] == [
        (HANG, 1, 3, "7:3"),
        (SEGFAULT, 2, 4, "7:4"),
        (other, 1, 6, "7:6"),
    ]
    assert tally.foremost is tally.rows[1]
    data = tally.as_data(("test",), 1.5)
    assert [row["count"] for row in data["rows"]] == [2, 1, 1]
    assert list(lines_of(data))[:2] == [
        "  2x segfault: summary of callback",
        "     first in round 4, seed 7:4: shaken",
    ]


@pytest.mark.parametrize("expected", [Outcome.XFAILED, Outcome.HANG])
def test_a_frequent_failure_that_is_expected_hides_no_other(expected: Outcome) -> None:
    tally = Tally(Seed(7), Amount(4, None), expected={Outcome.XFAILED, expected})
    for outcome in (expected, expected, Outcome.SEGFAULT, expected):
        tally.add(Failure(outcome, None, ""), "", "", Seed(7, 1), 0.001)
    assert [row.count for row in tally.rows] == [3, 1]
    assert tally.foremost is tally.rows[1]


def test_rows_and_texts_are_bounded() -> None:
    tally = filled(0, *(Failure(Outcome.FAILED, None, f"line {number}" * 1000) for number in range(MOST_ROWS + 9)))
    assert len(tally.rows) == MOST_ROWS
    assert sum(row.count for row in tally.rows) == tally.failed == MOST_ROWS + 9
    assert all(len(row["frame"]) <= 300 and len(row["summary"]) <= 300 for row in tally.as_data((), 1.0)["rows"])
