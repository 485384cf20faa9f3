"""The data that this plugin adds to a report of pytest, and its form as plain data."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .outcomes import ABNORMAL, Outcome
from .report_attribute import ATTRIBUTE
from .stress_shape import is_stress


class BadReportData(Exception):
    """The data of a report has a wrong shape; the text says what was expected and what came."""


@dataclass(frozen=True)
class ReportData:
    outcome: Outcome | None = None
    """An abnormal outcome; None if pytest's own outcome of the report is the right one."""
    entry: dict[str, Any] | None = None
    """The JSON form of the test's record; only the last report of a test has it."""
    expect: Mapping[str, frozenset[Outcome]] = field(default_factory=dict)
    """Mode → the outcomes that the test's marker expects in that mode; only a report with an entry has it."""
    text: str = ""
    """One line for the short summary."""
    tail: str = ""
    """The last lines of the failure's text, which the terminal shows below the captured output."""
    round: int | None = None
    """How often the test has run before; None if no plugin runs tests in a loop."""
    late: bool = False
    """Whether the report comes after the test's last one: fixtures that later tests share were torn down at last."""

    def to_json(self) -> dict[str, Any]:
        return {
            "outcome": None if self.outcome is None else self.outcome.value,
            "entry": self.entry,
            "expect": {mode: sorted(one.value for one in outcomes) for mode, outcomes in self.expect.items()},
            "text": self.text,
            "tail": self.tail,
            "round": self.round,
            "late": self.late,
        }

    @classmethod
    def from_json(cls, data: object) -> ReportData:
        """Return the data that `to_json` has packed; raise BadReportData for data of another shape.

        The data may come from an xdist worker or from a cache, of another version of this plugin or damaged.
        """
        if not isinstance(data, dict) or data.keys() != _FIELDS.keys():
            raise BadReportData(f"expected an object of {', '.join(_FIELDS)}, got {reprlib.repr(data)}")
        for name, (fits, expected) in _FIELDS.items():
            if not fits(data[name]):
                raise BadReportData(f"expected {expected} as {name!r}, got {reprlib.repr(data[name])}")
        return cls(
            outcome=None if data["outcome"] is None else Outcome(data["outcome"]),
            entry=data["entry"],
            expect={mode: frozenset(map(Outcome, words)) for mode, words in data["expect"].items()},
            text=data["text"],
            tail=data["tail"],
            round=data["round"],
            late=data["late"],
        )


def data_of(report: object) -> ReportData:
    """Return the data of a report; empty data if it has none, or has an attribute of that name with other data."""
    if (data := getattr(report, ATTRIBUTE, None)) is None:
        return ReportData()
    try:
        return ReportData.from_json(data)
    except BadReportData:
        return ReportData()


def put_on(report: object, data: ReportData) -> None:
    setattr(report, ATTRIBUTE, data.to_json())


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_round(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _words(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    return tuple(outcome.value for outcome in outcomes)


_OUTCOMES: Final = _words(tuple(Outcome))
_ABNORMAL: Final = _words(ABNORMAL)


def _is_entry(value: object) -> bool:
    """Return whether an entry has the keys that a run needs before it writes a report. Other keys are not checked."""
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in ("nodeid", "test", "mode")):
        return False
    diagnosis = value.get("diagnosis")
    known = diagnosis is None or (isinstance(diagnosis, dict) and isinstance(diagnosis.get("code"), str))
    timed = _is_time(value.get("jvm_start"))
    stressed = value.get("stress")
    known = known and (stressed is None or is_stress(stressed))
    return known and timed and value.get("outcome") in _OUTCOMES and isinstance(value.get("jvm"), bool)


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0)


def _are_expected(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(mode, str) and isinstance(words, (list, tuple)) and all(word in _OUTCOMES for word in words)
        for mode, words in value.items()
    )


_FIELDS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "outcome": (lambda value: value is None or value in _ABNORMAL, f"null or one of {', '.join(_ABNORMAL)}"),
    "entry": (lambda value: value is None or _is_entry(value), "null or the entry of a test"),
    "expect": (_are_expected, "lists of outcomes by mode"),
    "text": (_is_text, "text"),
    "tail": (_is_text, "text"),
    "round": (_is_round, "null or a number from 0"),
    "late": (lambda value: isinstance(value, bool), "true or false"),
}
