"""What pytest's progress shows of an abnormal outcome."""

from __future__ import annotations

from typing import Final

from .outcomes import Outcome
from .report_data import ATTRIBUTE

Words = tuple[str, str, str]

_WORDS: Final[dict[str, Words]] = {
    Outcome.SEGFAULT.value: ("segfault", "S", "SEGFAULT"),
    Outcome.HANG.value: ("hang", "H", "HANG"),
    Outcome.NULL_RESULT.value: ("null_result", "N", "NULL_RESULT"),
    Outcome.CRASH.value: ("crash", "C", "CRASH"),
}


def status_words(report: object) -> Words | None:
    """Return category, letter and word for pytest's progress of an abnormal outcome, None for pytest's own."""
    word = getattr(report, ATTRIBUTE, {}).get("outcome") or ""
    return _WORDS.get(word) if getattr(report, "failed", False) else None


def is_abnormal(report: object) -> bool:
    return status_words(report) is not None


CATEGORIES: Final = tuple(_WORDS)
