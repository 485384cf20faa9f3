"""The verdict on counted rounds: a rate, and how far it can be trusted."""

from __future__ import annotations

from collections import Counter

from .anytime import anytime_interval
from .interval import interval, percent


def bounds(failed: int, rounds: int, *, anytime: bool) -> tuple[float, float]:
    """Return the 95 % interval of the rate; `anytime` is whether the results might have ended the rounds."""
    # Decided before the first round: the interval of a run that might have stopped is not the exact one either.
    return (anytime_interval if anytime else interval)(failed, rounds)


def verdict(failures: Counter[str], rounds: int, remarks: str, *, died: bool, anytime: bool) -> str:
    """Return the verdict in one line.

    `failures` maps the outcomes that are failures to their rounds. `died` is whether each failed round was a death.
    `remarks` end the line.
    """
    failed = failures.total()
    low, high = bounds(failed, rounds, anytime=anytime)
    remarks = f", valid for a run that stops early{remarks}" if anytime else remarks
    if not failed:
        return f"0 of {rounds_in_words(rounds)} failed: under {percent(high)} % with 95 % confidence{remarks}"
    counts = ", ".join(f"{count} {outcome}" for outcome, count in failures.most_common())
    what = f"{failed} of {rounds_in_words(rounds)} {'died' if died else 'failed'} ({counts})"
    if failed == rounds:
        return f"{what}: over {percent(low)} % with 95 % confidence{remarks}"
    return f"{what}: {percent(failed / rounds)} %, 95 % interval {percent(low)}–{percent(high)} %{remarks}"


def rounds_in_words(number: int) -> str:
    return f"{number} round" if number == 1 else f"{number} rounds"
