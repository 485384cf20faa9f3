"""What of a child's report is accepted: pytest shows all of it without an error, or it is refused."""

from __future__ import annotations

import copy
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from pytest_foreignthread.channel.report_shape import BadShape, check
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.report.pytest import pytest_reports

ODD: Final[tuple[Any, ...]] = (None, 5, 1.5, True, "", "text", [], {}, [1], ["a", 1], {"a": 1}, [[]], [{}], "\ud800")


def raised() -> pytest.ExceptionInfo[BaseException]:
    try:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error
    except ValueError as error:
        return pytest.ExceptionInfo.from_exception(error)


def serialized(config: pytest.Config, **fields: Any) -> dict[str, Any]:
    """Return a failure as a child sends it: with a traceback, its arguments and locals, and a cause."""
    longrepr = raised().getrepr(showlocals=True, funcargs=True)
    longrepr.addsection("name", "content")
    report = pytest.TestReport("t.py::test", ("t.py", 3, "test"), {"test": 1}, "failed", longrepr, "call")
    report.sections = [("Captured stdout call", "printed")]
    report.user_properties = [("colour", {"deep": [1]})]
    data = config.hook.pytest_report_to_serializable(config=config, report=report)
    whole: dict[str, Any] = json.loads(json.dumps({**data, **fields}))
    return whole


def shown(config: pytest.Config, data: dict[str, Any]) -> str:
    """Do with it what pytest does with a report, which raises nothing but BadShape."""
    check(data, required="$report_type" in data)
    report = pytest_reports.from_plain_data(config, data)
    assert report.outcome in ("passed", "failed", "skipped")
    assert isinstance(report.longrepr, tuple) or not report.skipped or hasattr(report, "wasxfail")
    text = io.StringIO()
    for name, content in report.sections:
        print(name, content.removesuffix("\n"), file=text)
    print(report.nodeid, report.head_line, f"{report.duration:.3f}", report.when.upper(), file=text)
    print(report.capstdout, report.caplog, pytest_reports.reason_of([report], Outcome.FAILED), file=text)
    for key, value in report.user_properties:
        key.encode()
        print(str(value), file=text)
    print(report.longreprtext, file=text)
    return text.getvalue()


def shown_or_refused(config: pytest.Config, data: dict[str, Any]) -> str:
    """Return why it was refused; nothing where it was shown."""
    try:
        shown(config, data)
    except BadShape as error:
        return str(error)
    return ""


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in the data with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def test_what_a_child_sends_is_accepted(pytestconfig: pytest.Config) -> None:
    text = shown(pytestconfig, serialized(pytestconfig))
    for words in ("outer", "inner", "printed", "content", "{'deep': [1]}", "t.py::test test"):
        assert words in text


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_any_value_in_any_place_is_shown_or_refused(pytestconfig: pytest.Config, odd: Any) -> None:
    whole = serialized(pytestconfig)
    for number in range(sum(1 for _ in places(whole))):
        data = copy.deepcopy(whole)
        container, key = list(places(data))[number]
        container[key] = odd
        shown_or_refused(pytestconfig, data)


def without(container: Any, key: Any) -> None:
    del container[key]


def doubled(container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.append(container[key])
    else:
        container["more"] = container[key]


@pytest.mark.parametrize("change", [without, doubled])
def test_what_is_missing_or_too_much_is_shown_or_refused(
    pytestconfig: pytest.Config, change: Callable[[Any, Any], None]
) -> None:
    whole = serialized(pytestconfig)
    for number in range(sum(1 for _ in places(whole))):
        data = copy.deepcopy(whole)
        change(*list(places(data))[number])
        shown_or_refused(pytestconfig, data)


def test_attributes_that_pytest_has_a_use_for_are_refused_or_harmless(pytestconfig: pytest.Config) -> None:
    chosen = random.Random(1)
    for name in dir(pytest.TestReport("", ("", 0, ""), {}, "passed", None, "call")):
        data = {**serialized(pytestconfig), name: chosen.choice(ODD)}
        assert name in (shown_or_refused(pytestconfig, data) or name)


REFUSED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "outcome": ({"outcome": "nope"}, "expected one of passed, failed, skipped as 'outcome' of a report, got 'nope'"),
    "when": ({"when": "lunch"}, "expected one of setup, call, teardown as 'when' of a report, got 'lunch'"),
    "not a number": ({"duration": float("nan")}, "expected a number of seconds as 'duration' of a report, got nan"),
    "endless": ({"duration": float("inf")}, "expected a number of seconds as 'duration' of a report, got inf"),
    "too large for a float": (
        {"duration": 10**400},
        "expected a number of seconds as 'duration' of a report, got 1000",
    ),
    "ours": ({"foreign_thread": {"outcome": "nope"}}, "expected a report without 'foreign_thread'"),
    "a method": ({"toterminal": "x"}, "expected a report without 'toterminal'"),
    "xdist's": ({"node": 5}, "expected a report without 'node'"),
    "carried": ({"foreign_thread_carried": 5}, "expected an object as 'foreign_thread_carried' of a report, got 5"),
    "of a collection": ({"$report_type": "CollectReport"}, "expected "),
    "of no known type": ({"$report_type": "Nope"}, "expected a report that pytest can read, got "),
    "a subtest without a context": (
        {"_report_type": "SubTestReport", "_subtest.context": 5},
        "expected an object with",
    ),
    "a line without an end": ({"location": ["t.py", 10**4299, "test"]}, "expected a file, a line or null, and a name"),
    "no mark for a line": (
        {"longrepr": {"reprcrash": None, "reprtraceback": None, "sections": [["a", "b", ""]], "chain": None}},
        "expected null, text, the place and reason of a skip, or an exception",
    ),
}


@pytest.mark.parametrize(("fields", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_in_words(pytestconfig: pytest.Config, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadShape) as refused:
        shown(pytestconfig, serialized(pytestconfig, **fields))
    assert str(refused.value).startswith(words)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("longrepr", [None, "", "later", ["t.py", None, "later"], ["t.py", 3, "later"]])
def test_a_skip_has_a_place_and_a_reason(pytestconfig: pytest.Config, longrepr: Any) -> None:
    data = serialized(pytestconfig, outcome="skipped", longrepr=longrepr)
    report = pytest_reports.from_plain_data(pytestconfig, data)
    assert isinstance(report.longrepr, tuple)
    assert len(report.longrepr) == 3


class ReadsNothing:
    """A plugin whose hook meets what it does not expect."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> object:
        if data.get("made_by") == "another":
            raise LookupError("no such key\ud800")
        return object() if data.get("made_by") == "itself" else None


@pytest.mark.parametrize(
    ("by", "words"), [("another", "got 'LookupError: no such key"), ("itself", "got an instance of object")]
)
def test_a_plugin_that_cannot_read_it(pytestconfig: pytest.Config, by: str, words: str) -> None:
    plugin = ReadsNothing()
    pytestconfig.pluginmanager.register(plugin)
    try:
        with pytest.raises(BadShape) as refused:
            pytest_reports.from_plain_data(pytestconfig, serialized(pytestconfig, made_by=by))
    finally:
        pytestconfig.pluginmanager.unregister(plugin)
    assert words in str(refused.value)
