"""The search for the earlier tests that make another one break."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_foreignthread.run.bisection import Found, smallest_part


def search(number: int, guilty: set[int], most_tries: int = 1000) -> tuple[Found[int], int]:
    """Return what is found among so many tests of which all of `guilty` have to run, and how many tries that took."""
    tries: list[Sequence[int]] = []

    def breaks(part: Sequence[int]) -> bool:
        assert list(part) == sorted(part), "the order stays"
        tries.append(part)
        return guilty <= set(part)

    return smallest_part(range(number), breaks, lambda: len(tries) < most_tries), len(tries)


@pytest.mark.parametrize(
    ("number", "guilty"),
    [
        *((number, {one}) for number in (1, 2, 3, 7) for one in range(number)),
        *((100, {one}) for one in (0, 49, 50, 99)),
        (2, {0, 1}),
        (9, {0, 8}),
        (64, {3, 40}),
        (30, {1, 2, 29}),
    ],
)
def test_the_smallest_part_is_found(number: int, guilty: set[int]) -> None:
    found, _ = search(number, guilty)
    assert found == Found(tuple(sorted(guilty)))


@pytest.mark.parametrize("guilty", [0, 500, 1023])
def test_one_test_is_found_by_halves(guilty: int) -> None:
    found, tries = search(1024, {guilty})
    assert found.tests == (guilty,)
    assert tries <= 21


def test_what_does_not_break_again_has_no_part() -> None:
    assert search(5, {7}) == (Found(None), 1)


@pytest.mark.parametrize(("most", "left"), [(0, 16), (1, 16), (2, 8), (3, 4), (4, 2)])
def test_when_the_time_is_over_it_is_as_small_as_it_is_by_then(most: int, left: int) -> None:
    found, tries = search(16, {15}, most)
    assert (found, tries) == (Found(tuple(range(16 - left, 16)), in_time=False), most)


def test_a_part_that_breaks_by_chance_ends_the_search_all_the_same() -> None:
    answers = iter([True, False, True, False, False, True] + [False] * 1000)
    found = smallest_part(range(8), lambda part: next(answers), lambda: True)
    assert found.tests
