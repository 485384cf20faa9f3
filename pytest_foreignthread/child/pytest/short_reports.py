"""The short form of the report of a passed phase: most reports say little that the pytest process does not know."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from .plain_data import CARRIED, HAD_A_FORM

_DEFAULTS: Final[Mapping[str, object]] = {
    "$report_type": "TestReport",
    "outcome": "passed",
    "longrepr": None,
    HAD_A_FORM: False,
}
"""The fields that each report of a passed phase has with these values."""
_TIMES: Final = ("duration", "start", "stop")
_KNOWN: Final = frozenset({*_DEFAULTS, *_TIMES, CARRIED, "nodeid", "when", "location", "keywords"})
_KNOWN_LISTS: Final = ("sections", "user_properties")
_SCALARS: Final = (str, int, float, bool, type(None))


class ShortReports:
    """The short forms of the reports of one test."""

    def __init__(self) -> None:
        self._sent: dict[str, list[Any]] = {}
        """The location and the keywords, as the last short form gave them."""

    def of(self, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the short form of a serialized report; None if the report says more than a short form can.

        Types are compared exactly: hooks of the project may have set objects that only look like pytest's.
        """
        if not _is_usual(fields):
            return None
        short = {"outcome": "passed", "when": fields["when"]}
        short.update((name, fields[name]) for name in _TIMES if name in fields)
        short.update((name, fields[name]) for name in _KNOWN_LISTS if fields[name])
        for name in ("location", "keywords"):
            value = list(fields[name])
            if self._sent.get(name) != value:
                self._sent[name] = short[name] = value
        return short


def _is_usual(fields: Mapping[str, Any]) -> bool:
    for name, value in _DEFAULTS.items():
        if type(fields.get(name)) is not type(value) or fields[name] != value:
            return False
    return (
        fields.keys() - _KNOWN == {*_KNOWN_LISTS}
        and type(fields["when"]) is str
        and all(_is_time(fields[name]) for name in _TIMES if name in fields)
        and _carries_nothing(fields)
        and _is_location(fields["location"])
        and _are_names(fields["keywords"])
        and all(type(value) in _SCALARS for _, value in fields["user_properties"])
    )


def _carries_nothing(fields: Mapping[str, Any]) -> bool:
    """Return whether the last report of the test, and no other, has an empty object for other plugins."""
    carried = fields.get(CARRIED)
    return carried is None and CARRIED not in fields if fields["when"] != "teardown" else carried == {}


def _is_time(value: object) -> bool:
    return type(value) is float and isfinite(value)


def _is_location(value: Any) -> bool:
    if type(value) not in (tuple, list) or len(value) != 3:
        return False
    path, line, domain = value
    return type(path) is str and type(line) in (int, type(None)) and type(domain) is str


def _are_names(keywords: Any) -> bool:
    """Return whether the keywords are names that all have the value 1, as pytest makes them."""
    if type(keywords) is not dict:
        return False
    return all(type(name) is str and type(value) is int and value == 1 for name, value in keywords.items())
