"""The search for the smallest setting of a schedule, over functions that stand for a test's rounds."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import pytest

from pytest_foreignthread.model.stress_choice import Part
from pytest_foreignthread.run.smallest_setting import MOST_ROUNDS, SmallestSetting, TimeIsOver, rounds_to_try
from pytest_foreignthread.stress.interval import at_most
from pytest_foreignthread.stress.schedule import Schedule, schedule_of
from pytest_foreignthread.stress.schedule_parts import FIELDS, LEAST_VALUES, halved, parts_of, with_only
from pytest_foreignthread.stress.shrunk import Count

ALL: Final = Schedule(
    3,
    1e-5,
    4e-3,
    2e-3,
    1e-3,
    0.5,
    0.02,
    java_collects=True,
    stack=262144,
    pool=1,
    late_delay=0.1,
    drops_callable=True,
    cancel_delay=1e-3,
    threads=9,
)
"""A schedule in which each part is shaken."""

Needs = Callable[[Schedule], bool]
NEEDS: Final[dict[str, tuple[Needs, tuple[str, ...]]]] = {
    "nothing": (lambda _: True, ()),
    "one": (lambda schedule: schedule.pool == 1, ("pool",)),
    "two": (lambda schedule: schedule.pool == 1 and schedule.yield_rate > 0, ("yield", "pool")),
    "a delay": (lambda schedule: schedule.submit_delay >= 1e-3, ("submit/4",)),
    "a delay and more": (
        lambda schedule: schedule.enter_delay >= 5e-4 and schedule.stack is not None,
        ("enter/4", "stack"),
    ),
    "threads": (lambda schedule: schedule.threads >= 3, ("threads/2",)),
    "two threads": (lambda schedule: schedule.threads > 1 and schedule.pool < 4, ("pool", "threads/4")),
    "one of two": (lambda schedule: schedule.pool == 1 or schedule.java_collects, ("pool",)),
    "three": (
        lambda one: one.switch_interval < 1e-4 and one.collect_rate > 0 and one.return_delay > 0,
        ("switch", "return/512", "collect"),
    ),
}


def found(search: SmallestSetting) -> tuple[str, ...]:
    assert search.smallest is not None
    return tuple(map(str, search.smallest))


@pytest.mark.parametrize("name", NEEDS)
def test_what_always_fails_is_shrunk_to_what_it_needs(name: str) -> None:
    needs, parts = NEEDS[name]
    search = SmallestSetting(ALL, needs)
    search.run()
    assert found(search) == parts
    assert set(map(str, search.without())) == set(parts)
    assert all(count.failed == 0 < count.rounds for count in search.without().values())
    assert search.fresh.failed == search.fresh.rounds >= 20


def at_random(rate: float, seed: int) -> Needs:
    chance = random.Random(seed)
    return lambda one: one.pool == 1 and one.submit_delay > 1e-3 and chance.random() < rate


@pytest.mark.parametrize("rate", [0.9, 0.3, 0.05])
def test_what_fails_at_random_is_shrunk_too(rate: float) -> None:
    right = 0
    for seed in range(20):
        search = SmallestSetting(ALL, at_random(rate, seed))
        search.run()
        if search.smallest is None:
            continue
        # What is found did fail; it may be more than is needed.
        assert with_only(ALL, search.smallest).pool == 1
        right += {part.name for part in search.smallest} == {"pool", "submit"}
    assert right >= 14


def test_a_part_that_makes_the_failure_rarer_when_it_goes_is_left_out() -> None:
    chance = random.Random(1)
    search = SmallestSetting(ALL, lambda one: one.pool == 1 and chance.random() < (0.9 if one.yield_rate else 0.15))
    search.run()
    assert found(search) in (("pool",), ("yield", "pool"))
    assert search.fresh.rounds >= 20


def test_what_does_not_fail_again_is_not_shrunk() -> None:
    search = SmallestSetting(ALL, lambda _: False)
    search.run()
    assert search.smallest is None
    assert search.tried == {search.whole: Count(0, MOST_ROUNDS)}


@pytest.mark.parametrize("ends", [TimeIsOver, KeyboardInterrupt])
def test_at_each_moment_the_smallest_setting_that_failed_is_known(ends: type[BaseException]) -> None:
    needs, parts = NEEDS["a delay and more"]
    for most in range(300):
        ran: list[Schedule] = []

        def fails(schedule: Schedule, most: int = most, ran: list[Schedule] = ran) -> bool:
            if len(ran) == most:
                raise ends
            ran.append(schedule)
            return needs(schedule)

        search = SmallestSetting(ALL, fails)
        try:
            search.run()
        except ends:
            assert (search.smallest is None) == (most == 0)
            if search.smallest is not None:
                assert with_only(ALL, search.smallest) in ran
                assert needs(with_only(ALL, search.smallest))
        else:
            assert found(search) == parts
            return
    raise AssertionError("the search takes more rounds than such a search may")


@pytest.mark.parametrize("count", [Count(1, 300), Count(3, 9), Count(3, 3), Count(1, 1), Count(7, 20)])
def test_a_setting_is_tried_often_enough(count: Count) -> None:
    rounds = rounds_to_try(count)
    assert at_most(0, rounds, count.failed / count.rounds) <= 0.05 or rounds == MOST_ROUNDS


def test_parts_name_what_differs_from_an_ordinary_run() -> None:
    assert parts_of(ALL) == tuple(map(Part, FIELDS))
    assert parts_of(Schedule(3)) == ()
    assert with_only(ALL, ()) == Schedule(3)
    for seed in range(200):
        schedule = schedule_of(seed)
        assert with_only(schedule, parts_of(schedule)) == schedule
        for part in parts_of(schedule):
            assert parts_of(with_only(schedule, (part,))) == (part,)


def test_threads_are_halved_down_to_two() -> None:
    part: Part | None = Part("threads")
    threads = []
    while part is not None:
        threads.append(with_only(ALL, (part,)).threads)
        part = halved(ALL, part)
    assert threads == [9, 4, 2]
    assert with_only(ALL, ()).threads == 1
    assert with_only(Schedule(3), (Part("threads", 2),)).threads == 1, "a test of one thread"
    assert str(with_only(ALL, (Part("threads", 2),))) == "4 threads at once"


def test_a_delay_is_halved_down_to_its_least() -> None:
    part: Part | None = Part("submit")
    divisors = []
    while part is not None:
        divisors.append(part.divisor)
        assert with_only(ALL, (part,)).submit_delay == 4e-3 / part.divisor >= LEAST_VALUES["submit"]
        part = halved(ALL, part)
    assert divisors == [2**power for power in range(12)]
    assert halved(ALL, Part("pool")) is None
    assert halved(Schedule(3), Part("submit")) is None, "a schedule without the delay"
    assert with_only(Schedule(3), (Part("submit", 4),)).submit_delay == 0
