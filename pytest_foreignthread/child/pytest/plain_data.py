"""A report in the form that JSON accepts, whatever tests and hooks put into it."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps, loads
from typing import Any, Final

import pytest

from ...channel.wire import too_deep

HAD_A_FORM: Final = "_foreign_thread_had_a_form"
"""A key beside pytest's own: the report's failure had its own form of display, of which pytest sends only the text."""

CARRIED: Final = "foreign_thread_carried"
"""The attribute of a test's last report that holds what other plugins carry to the pytest process."""


def report_fields(config: pytest.Config, report: pytest.TestReport, nodeid: str) -> dict[str, Any] | None:
    """Return pytest's serialized form of the report; None if pytest has none.

    `nodeid` is the node id of the test. A hook may have changed the report's, and the parent rejects another test's.
    """
    # This hook may change the report: a report with failed subtests becomes failed, and subtests were counted in this
    # process.
    config.hook.pytest_report_teststatus(config=config, report=report)
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    if data is None:
        return None
    data["nodeid"] = nodeid
    data["user_properties"] = [_property(one) for one in report.user_properties]
    data["sections"] = [(text_of(name), text_of(content)) for name, content in report.sections]
    if "wasxfail" in data:
        data["wasxfail"] = text_of(data["wasxfail"])
    data[HAD_A_FORM] = isinstance(data["longrepr"], str) and not isinstance(report.longrepr, str)
    fields: dict[str, Any] = data
    return fields


def fields_text(fields: Mapping[str, Any]) -> str:
    """Return the serialized form of a report as JSON."""
    # Values that a hook puts in the place of a method, for example of `toterminal`, are not sent.
    fields = {name: value for name, value in fields.items() if name == "nodeid" or not _is_pytests(name)}
    # Each value by itself: a value that JSON does not accept, for example a list that contains itself, becomes text
    # without affecting the others.
    return "{" + ", ".join(f"{dumps(text_of(name))}: {_as_json(one)}" for name, one in fields.items()) + "}"


def failure_text(report: pytest.TestReport) -> str:
    """Return a report of a failure that has only a text, in pytest's serialized form and made without hooks."""
    fields = {name: getattr(report, name) for name in ("nodeid", "location", "keywords", "outcome", "longrepr", "when")}
    more = {"sections": [], "duration": report.duration, "user_properties": []}
    return _as_json({**fields, **more, "$report_type": "TestReport"})


def _is_pytests(name: Any) -> bool:
    """Return whether pytest uses an attribute of that name in the pytest process."""
    return name == "node" or hasattr(pytest.TestReport, text_of(name))


def _property(pair: Any) -> tuple[str, Any]:
    try:
        name, value = pair
    # A test may put any object into the list.
    except Exception:
        return text_of(pair), ""
    return text_of(name), property_value(value)


def plain(value: Any) -> Any:
    """Return the value itself if JSON preserves it, else the nearest value that JSON accepts."""
    return loads(_as_json(value))


def _as_json(value: Any) -> str:
    try:
        if not too_deep(value):
            return dumps(value, default=text_of, skipkeys=True)
    # The value contains itself, or its class is a test's, whose methods may raise anything.
    except BaseException:
        pass
    return dumps(text_of(value))


def property_value(value: Any) -> Any:
    """Return a property's value if JSON preserves it, else the text that pytest's JUnit report would have."""
    same = plain(value)
    return same if _is_same(value, same) else text_of(value)


def _is_same(value: Any, other: Any) -> bool:
    """Return whether both values and their types are equal: JSON turns tuples into lists, and 1 equals True."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    if isinstance(value, dict):
        return list(value) == list(other) and all(_is_same(value[key], other[key]) for key in other)
    return bool(value == other)


def text_of(value: Any) -> str:
    """Return `str(value)` as a plain `str`; if that raises, a text that says so."""
    try:
        return str.__str__(str(value))
    except BaseException as error:  # a test's object may do anything in __str__
        return f"<{class_name(type(value))}, whose text raised {class_name(type(error))}>"


def class_name(kind: type) -> str:
    """Return the real `__qualname__` of a class, even if its metaclass overrides the attribute."""
    return str(vars(type)["__qualname__"].__get__(kind))
