"""The line that says whether a test that broke in a shared child also breaks in a child of its own."""

from __future__ import annotations

from typing import Final

from ..model.outcomes import Outcome
from ..model.records import Alone

_NAMED: Final = 5


def alone_line(outcome: Outcome, alone: Alone) -> str:
    """Return the line. `outcome` is that in the shared child. Of many earlier tests only the latest are named."""
    if alone.outcome is outcome:
        return f"alone: also breaks ({outcome.value} in a child of its own)"
    start = f"alone: {'passes' if alone.outcome is Outcome.PASSED else alone.outcome.value}"
    if alone.only_after is None:
        return f"{start}; broke after {_named(alone.before)} ({alone.search})"
    line = f"{start}; breaks only after {_named(alone.only_after)}"
    return f"{line} ({alone.search})" if alone.search else line


def _named(tests: tuple[str, ...]) -> str:
    left_out = len(tests) - _NAMED
    return ", ".join([*([f"{left_out} more"] if left_out > 0 else []), *tests[-_NAMED:]])
