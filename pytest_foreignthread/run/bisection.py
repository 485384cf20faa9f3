"""The search for the earlier tests that make a test break: delta debugging over the order of the tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """The result of a search."""

    tests: tuple[T, ...] | None
    """The tests in their order; None if the test that is searched for did not break after all earlier tests either."""
    in_time: bool = True
    """Whether none of `tests` can be left out; False if the time was over before that was known."""


def smallest_part(
    earlier: Sequence[T], breaks: Callable[[Sequence[T]], bool], has_time: Callable[[], bool]
) -> Found[T]:
    """Return a part of `earlier` after which the test still breaks, and from which no single test can be left out.

    `breaks` runs a part, then the test, and returns whether the test broke. `has_time` is called before each such run.
    The search begins with halves: in most orders one test is to blame, and halves find one test in the fewest runs.
    """
    part = tuple(earlier)
    if not has_time():
        return Found(part, in_time=False)
    if not breaks(part):
        return Found(None)
    pieces = 2
    while len(part) > 1:
        found = None
        for candidate in _candidates(part, min(pieces, len(part))):
            if not has_time():
                return Found(part, in_time=False)
            if breaks(candidate):
                found = candidate
                break
        if found is not None:
            pieces = 2 if len(found) <= len(part) // 2 else max(pieces - 1, 2)
            part = found
        elif pieces >= len(part):
            break
        else:
            pieces *= 2
    return Found(part)


def _candidates(part: tuple[T, ...], pieces: int) -> Iterator[tuple[T, ...]]:
    """Divide `part` into `pieces`; yield each piece, the last one first, and then what is left without each piece."""
    bounds = [len(part) * number // pieces for number in range(pieces + 1)]
    spans = list(itertools.pairwise(bounds))[::-1]
    for start, end in spans:
        yield part[start:end]
    # Of two pieces, what is left without one is the other.
    if pieces > 2:
        for start, end in spans:
            yield part[:start] + part[end:]
