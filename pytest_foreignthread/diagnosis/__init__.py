"""Room `diagnosis`: from evidence to an outcome and to its probable cause.

May import the rooms below it: evidence, channel, stress, model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..model.outcomes import Outcome
from ..model.records import Diagnosis
from .case import Case
from .crashes import CRASHES
from .deadlocks import HANGS
from .raised import EXCEPTIONS

Rule = Callable[[Case], Diagnosis | None]

# In each tuple a narrower rule comes before a wider one: the first rule that fits decides.
RULES: Final[dict[Outcome, tuple[Rule, ...]]] = {
    Outcome.SEGFAULT: CRASHES,
    Outcome.CRASH: CRASHES,
    Outcome.HANG: HANGS,
    Outcome.NULL_RESULT: EXCEPTIONS,
    Outcome.FAILED: EXCEPTIONS,
    Outcome.ERROR: EXCEPTIONS,
}


def diagnose(case: Case) -> Diagnosis | None:
    """Return the diagnosis of the first rule whose proofs the case has; None if no rule fits."""
    found = (rule(case) for rule in RULES.get(case.outcome, ()))
    return next((diagnosis for diagnosis in found if diagnosis is not None), None)
