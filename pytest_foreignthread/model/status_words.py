"""The category, letter and word of an abnormal outcome in pytest's progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .outcomes import Outcome
from .report_data import data_of

Words = tuple[str, str, str]

_WORDS: Final[Mapping[Outcome | None, Words]] = {
    Outcome.SEGFAULT: ("segfault", "S", "SEGFAULT"),
    Outcome.HANG: ("hang", "H", "HANG"),
    Outcome.NULL_RESULT: ("null_result", "N", "NULL_RESULT"),
    Outcome.CRASH: ("crash", "C", "CRASH"),
}


def status_words(report: object) -> Words | None:
    """Return category, letter and word of a report with an abnormal outcome; None for any other report."""
    return _WORDS.get(data_of(report).outcome) if getattr(report, "failed", False) else None


def is_abnormal(report: object) -> bool:
    return status_words(report) is not None
