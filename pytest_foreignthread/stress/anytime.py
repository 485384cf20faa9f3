"""The rates that fit a count of failed rounds, however the number of rounds was decided: a confidence sequence.

A run that ends on its own results has no exact binomial interval. The intervals here cover the true rate at all numbers
of rounds at once, with the confidence that they name. They are those of Robbins: by Ville's inequality the martingale

    M(p) = B(failed + 1, passed + 1) / (p ** failed * (1 - p) ** passed),

the likelihood of the count under a uniform mixture of rates to that under the rate p, exceeds 1 / (1 - confidence) in
no more than this share of the runs, at whatever number of rounds.
"""

from __future__ import annotations

import math

from .interval import CONFIDENCE, crossing


def excludes(failed: int, rounds: int, rate: float, confidence: float = CONFIDENCE) -> bool:
    """Return whether the rate is outside of the interval of the count."""
    return _evidence(failed, rounds, rate) >= -math.log(1 - confidence)


def anytime_interval(failed: int, rounds: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the lowest and the highest rate of failures that fit the count; `rounds` is at least 1."""
    most_likely = failed / rounds

    def is_below(rate: float) -> bool:
        return rate < most_likely and excludes(failed, rounds, rate, confidence)

    def is_not_above(rate: float) -> bool:
        return rate <= most_likely or not excludes(failed, rounds, rate, confidence)

    return (crossing(is_below) if failed else 0.0), (crossing(is_not_above) if failed < rounds else 1.0)


def _evidence(failed: int, rounds: int, rate: float) -> float:
    """Return the logarithm of the martingale: the evidence against the rate."""
    passed = rounds - failed
    mixture = math.lgamma(failed + 1) + math.lgamma(passed + 1) - math.lgamma(rounds + 2)
    return mixture - _power(rate, failed) - _power(1 - rate, passed)


def _power(chance: float, times: int) -> float:
    """Return the logarithm of the chance that all of so many rounds end in one way."""
    if not times:
        return 0.0
    return times * math.log(chance) if chance > 0 else -math.inf
