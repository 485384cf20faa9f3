"""The lines that say whether a test that broke, and its control, also break in a child of their own."""

from __future__ import annotations

from typing import Final

from ..matrix.verdicts import BREAKS
from ..model.outcomes import Outcome
from ..model.records import OwnChildRun

_NAMED: Final = 5


def own_child_line(outcome: Outcome, alone: OwnChildRun) -> str:
    """Return the line. `outcome` is that in the shared child. Of many earlier tests only the latest are named."""
    if alone.outcome is outcome:
        return f"alone: also breaks ({outcome.value} in a child of its own)"
    start = f"alone: {'passes' if alone.outcome is Outcome.PASSED else alone.outcome.value}"
    if alone.only_after is None:
        return f"{start}; broke after {_named(alone.before)} ({alone.search})"
    line = f"{start}; breaks only after {_named(alone.only_after)}"
    return f"{line} ({alone.search})" if alone.search else line


def control_line(control: Outcome | None) -> str | None:
    """Return the line about the control in a child of its own; None unless the control breaks there."""
    if control not in BREAKS:
        return None
    return f"control: breaks alone, too ({control.value} in main, in a child of its own): the test needs earlier tests"


def _named(tests: tuple[str, ...]) -> str:
    left_out = len(tests) - _NAMED
    return ", ".join([*([f"{left_out} more"] if left_out > 0 else []), *tests[-_NAMED:]])
