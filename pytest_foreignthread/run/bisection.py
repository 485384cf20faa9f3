"""The smallest part of an order of tests after which another test still breaks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    tests: tuple[T, ...] | None
    """In their order; None where it did not break after all of them either."""
    in_time: bool = True
    """Whether none of `tests` can be left out; False where the time was over before that was known."""


def smallest_part(
    earlier: Sequence[T], breaks: Callable[[Sequence[T]], bool], has_time: Callable[[], bool]
) -> Found[T]:
    """Return a part of `earlier` after which it still breaks, and after no part of that.

    `breaks` says whether it does after these. Mostly one test is to blame, which halves find at once.
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
    """Yield each of so many pieces, the last one first, and then what is left without each."""
    bounds = [len(part) * number // pieces for number in range(pieces + 1)]
    spans = list(itertools.pairwise(bounds))[::-1]
    for start, end in spans:
        yield part[start:end]
    if pieces > 2:
        for start, end in spans:
            yield part[:start] + part[end:]
