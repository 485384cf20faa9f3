"""How far a count of failed rounds tells the true rate: the exact binomial interval of Clopper and Pearson."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

CONFIDENCE: Final = 0.95
_STEPS: Final = 80
"""Halvings of an interval from 0 to 1: more than a float can tell apart."""


def at_most(failed: int, rounds: int, rate: float) -> float:
    """Return the probability of at most `failed` failures in so many rounds, each of which fails at `rate`."""
    if rate <= 0 or failed >= rounds:
        return 1.0
    if rate >= 1:
        return 0.0
    one, other = math.log(rate), math.log1p(-rate)
    whole = math.lgamma(rounds + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(i + 1) - math.lgamma(rounds - i + 1) + i * one + (rounds - i) * other)
        for i in range(failed + 1)
    )


def interval(failed: int, rounds: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the lowest and the highest rate of failures that fit the count; `rounds` is at least 1.

    Of a count without a failure the upper end is one-sided, as is the lower end where each round failed.
    """
    if 2 * failed > rounds:
        # The sums have a term for each failure: count the rounds that passed.
        low, high = interval(rounds - failed, rounds, confidence)
        return 1 - high, 1 - low
    rest = 1 - confidence
    tail = rest if failed == 0 else rest / 2
    low = 0.0 if failed == 0 else _falling(lambda rate: at_most(failed - 1, rounds, rate), 1 - tail)
    high = _falling(lambda rate: at_most(failed, rounds, rate), tail)
    return low, high


def _falling(function: Callable[[float], float], value: float) -> float:
    """Return where a function that falls from 1 at 0 to 0 at 1 has the value."""
    return crossing(lambda rate: function(rate) > value)


def crossing(is_left: Callable[[float], bool]) -> float:
    """Return the rate below which `is_left` is true, and above which it is false."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if is_left(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def percent(rate: float) -> str:
    """Return a rate in percent, with two significant digits; 0 and 100 stand only for none and all."""
    value = 100 * rate
    if value <= 0 or value >= 100:
        return "0" if value <= 0 else "100"
    if value >= 10:
        return f"{value:.0f}" if value < 99.5 else f"{min(value, 99.9):.1f}"
    return f"{value:.{1 - math.floor(math.log10(value))}f}".rstrip("0").rstrip(".")
