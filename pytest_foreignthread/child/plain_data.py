"""A report as JSON takes it, whatever tests and hooks put into it."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

HAD_A_FORM: Final = "_foreign_thread_had_a_form"
"""Key beside pytest's own: the report showed itself in a way of its own, of which pytest sends the text alone."""

CARRIED: Final = "foreign_thread_carried"
"""Name of the attribute of a test's last report that has what other plugins carry to the pytest process."""


def report_text(config: pytest.Config, report: pytest.TestReport) -> str | None:
    """Give pytest's serialized form of the report as JSON, None where it has none."""
    # This hook may change the report: one with failed subtests becomes a failed one, and they were counted here.
    config.hook.pytest_report_teststatus(config=config, report=report)
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    if data is None:
        return None
    data["user_properties"] = [(str(name), property_value(value)) for name, value in report.user_properties]
    data[HAD_A_FORM] = isinstance(data["longrepr"], str) and not isinstance(report.longrepr, str)
    return _as_json(data)


def plain(value: Any) -> Any:
    """Give the value itself where JSON gives it back as it is, else the nearest that JSON takes."""
    return json.loads(_as_json(value))


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, default=_text, skipkeys=True)
    except (ValueError, RecursionError):  # it holds itself
        return json.dumps(_text(value))


def property_value(value: Any) -> Any:
    """Give a property's value as it is, or the text that pytest's JUnit report would make of it."""
    same = plain(value)
    return same if _is_same(value, same) else _text(value)


def _is_same(value: Any, other: Any) -> bool:
    """Tell whether both are alike down to the types: JSON makes lists of tuples, and 1 equals True."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    if isinstance(value, dict):
        return list(value) == list(other) and all(_is_same(value[key], other[key]) for key in other)
    return bool(value == other)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # a test's object may do anything in __str__
        return f"<{type(value).__qualname__}, whose text raised {type(error).__qualname__}>"
