"""What a test that broke in a shared child owes to the tests before it."""

from __future__ import annotations

from typing import Final

from ..model.outcomes import Outcome
from ..model.records import Alone

_NAMED: Final = 5


def alone_line(outcome: Outcome, alone: Alone) -> str:
    """Return one line; the latest of the earlier tests are named."""
    if alone.outcome is outcome:
        return f"also alone: {outcome.value} in a child of its own"
    left_out = len(alone.before) - _NAMED
    earlier = [*([f"{left_out} more"] if left_out > 0 else []), *alone.before[-_NAMED:]]
    return f"only after: {', '.join(earlier)}; alone: {alone.outcome.value}"
