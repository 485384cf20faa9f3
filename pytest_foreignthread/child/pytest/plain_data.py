"""A report as JSON takes it, whatever tests and hooks put into it."""

from __future__ import annotations

from json import dumps, loads
from typing import Any, Final

import pytest

from ...channel.wire import too_deep

HAD_A_FORM: Final = "_foreign_thread_had_a_form"
"""Key beside pytest's own: the report showed itself in a way of its own, of which pytest sends the text alone."""

CARRIED: Final = "foreign_thread_carried"
"""Name of the attribute of a test's last report that has what other plugins carry to the pytest process."""


def report_text(config: pytest.Config, report: pytest.TestReport, nodeid: str) -> str | None:
    """Return pytest's serialized form of the report as JSON, None where it has none.

    `nodeid` is the test's own, which a hook may have written over: the parent accepts no report of another.
    """
    # This hook may change the report: one with failed subtests becomes a failed one, and they were counted here.
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
    # What a hook puts in the place of a method, of `toterminal` say, is nothing that crosses.
    fields = {name: value for name, value in data.items() if name == "nodeid" or not _is_pytests(name)}
    # Each by itself: one that JSON does not take, a list that holds itself say, becomes a text, not the report.
    return "{" + ", ".join(f"{dumps(text_of(name))}: {_as_json(one)}" for name, one in fields.items()) + "}"


def failure_text(report: pytest.TestReport) -> str:
    """Return the report of a failure that has a text alone, in pytest's serialized form, made by none of its hooks."""
    fields = {name: getattr(report, name) for name in ("nodeid", "location", "keywords", "outcome", "longrepr", "when")}
    more = {"sections": [], "duration": report.duration, "user_properties": []}
    return _as_json({**fields, **more, "$report_type": "TestReport"})


def _is_pytests(name: Any) -> bool:
    """Whether pytest has a use of its own for an attribute of that name in the pytest process."""
    return name == "node" or hasattr(pytest.TestReport, text_of(name))


def _property(pair: Any) -> tuple[str, Any]:
    try:
        name, value = pair
    # A test may put anything into the list.
    except Exception:
        return text_of(pair), ""
    return text_of(name), property_value(value)


def plain(value: Any) -> Any:
    """Return the value itself where JSON gives it back as it is, else the nearest that JSON takes."""
    return loads(_as_json(value))


def _as_json(value: Any) -> str:
    try:
        if not too_deep(value):
            return dumps(value, default=text_of, skipkeys=True)
    # It holds itself, or it is a class of a test's own, whose methods may do anything.
    except BaseException:
        pass
    return dumps(text_of(value))


def property_value(value: Any) -> Any:
    """Return a property's value as it is, or the text that pytest's JUnit report would make of it."""
    same = plain(value)
    return same if _is_same(value, same) else text_of(value)


def _is_same(value: Any, other: Any) -> bool:
    """Tell whether both are alike down to the types: JSON makes lists of tuples, and 1 equals True."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    if isinstance(value, dict):
        return list(value) == list(other) and all(_is_same(value[key], other[key]) for key in other)
    return bool(value == other)


def text_of(value: Any) -> str:
    """Return `str(value)`, as a plain `str`, or words that say why there is none."""
    try:
        return str.__str__(str(value))
    except BaseException as error:  # a test's object may do anything in __str__
        return f"<{class_name(type(value))}, whose text raised {class_name(type(error))}>"


def class_name(kind: type) -> str:
    """Return its `__qualname__`, which its metaclass may have written over."""
    return str(vars(type)["__qualname__"].__get__(kind))
