"""The short form of the report of a passed phase makes the report that pytest would make of the long form."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phases
from hypothesis import strategies as st

from pytest_foreignthread.channel.expected_messages import MessagesOfTest, Unexpected
from pytest_foreignthread.channel.report_shape import BadShape
from pytest_foreignthread.channel.wire import Decoder, encode
from pytest_foreignthread.child.pytest.plain_data import CARRIED, fields_text, report_fields
from pytest_foreignthread.child.pytest.short_reports import ShortReports
from pytest_foreignthread.model.observation import PhasePassed, PhaseStarted, ReportMade
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.report.pytest import pytest_reports
from pytest_foreignthread.report.pytest.passed_phases import PassedPhases

TEXT: Final = st.text(max_size=8)
NUMBERS: Final = st.floats(0, 1e9)
VALUES: Final = st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=2) | st.just(float("inf"))


class Text(str):
    """A text of a class of the project's."""

    __slots__ = ()


class PartOfATest(pytest.TestReport):
    """As subtests report."""


class Line(int):
    """A number of a class of the project's."""


@st.composite
def reports(draw: st.DrawFn, when: Any, nodeid: str, location: Any) -> pytest.TestReport:
    keywords: Any = draw(st.just({nodeid: 1, "test": 1}) | st.dictionaries(TEXT, st.sampled_from([1, True, 1.0, 2])))
    report = pytest.TestReport(
        nodeid,
        location,
        keywords,
        "passed",
        None,
        when,
        draw(st.lists(st.tuples(TEXT, TEXT), max_size=2)),
        draw(NUMBERS | st.just(0)),
        draw(NUMBERS),
        draw(NUMBERS),
        draw(st.lists(st.tuples(TEXT, VALUES), max_size=2)),
    )
    if draw(st.booleans()):
        return report
    odd: dict[str, Any] = {
        "outcome": draw(st.sampled_from([Text("passed"), "failed", "passed"])),
        "longrepr": draw(st.none() | TEXT),
        "location": draw(st.sampled_from([location, [*location], ("a.py", Line(3), "test"), ("b.py", None, "test")])),
        "duration": draw(st.sampled_from([0.5, 2, float("inf")])),
        "extras": draw(VALUES),
        "wasxfail": "why",
        CARRIED: draw(st.sampled_from([{}, {"plugin": 1}])),
    }
    for name in draw(st.sets(st.sampled_from(sorted(odd)), max_size=2)):
        setattr(report, name, odd[name])
    if draw(st.booleans()):
        report.__class__ = PartOfATest
    return report


class Item:
    """As much of an item as makes a report."""

    def __init__(self, config: pytest.Config, nodeid: str) -> None:
        self.config, self.nodeid = config, nodeid


def shown(report: pytest.TestReport) -> tuple[type, list[tuple[str, str]]]:
    """Return the type and all attributes; `repr` tells 1 from True and a list from a tuple."""
    return type(report), sorted((name, repr(value)) for name, value in vars(report).items())


def long_way(config: pytest.Config, fields: dict[str, Any]) -> Any:
    try:
        return shown(pytest_reports.from_plain_data(config, json.loads(fields_text(fields))))
    except BadShape as error:
        return str(error)


# No deadline: a machine may be busy. No shrinking: a draw is three reports, which takes minutes to shrink.
@settings(
    deadline=None,
    max_examples=60,
    phases=[Phases.explicit, Phases.reuse, Phases.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
@pytest.mark.parametrize("read_by_others", [False, True])
def test_short_way_and_long_way_lead_to_the_same(
    pytestconfig: pytest.Config, read_by_others: bool, data: st.DataObject
) -> None:
    nodeid = data.draw(st.sampled_from(["t.py::test", "t.py::test[\udcff::a]", "::", "t.py::test[a/b]@group"]))
    location = data.draw(st.sampled_from([("t.py", 3, "test"), ("../t\udcff.py", None, "T.test[1]")]))
    sent, passed = ShortReports(), PassedPhases(Item(pytestconfig, nodeid))  # type: ignore[arg-type]
    passed._is_pytests_to_read = not read_by_others
    for when in ("setup", "call", "teardown"):
        report = data.draw(reports(when, nodeid, location))
        if when == "teardown":
            setattr(report, CARRIED, {})
        fields = report_fields(pytestconfig, report, nodeid)
        assert fields is not None
        if (short := sent.of(fields)) is None:
            continue
        (message,) = Decoder().feed(encode(PhasePassed(short)))
        assert isinstance(message, PhasePassed)
        assert shown(passed.report(message.report)) == long_way(pytestconfig, fields)


def fields_of(config: pytest.Config, when: Any, **odd: Any) -> dict[str, Any]:
    report = pytest.TestReport("t.py::test", ("t.py", 3, "test"), {"test": 1}, "passed", None, when, (), 0.5, 1.0, 1.5)
    if when == "teardown":
        setattr(report, CARRIED, {})
    vars(report).update(odd)
    fields = report_fields(config, report, "t.py::test")
    assert fields is not None
    return fields


def test_what_crosses_the_pipe(pytestconfig: pytest.Config) -> None:
    """The location and the keywords cross once, unless they change; nothing of the rest that is empty does."""
    short = ShortReports()
    times = {"outcome": "passed", "duration": 0.5, "start": 1.0, "stop": 1.5}
    first = {**times, "when": "setup", "location": ["t.py", 3, "test"], "keywords": ["test"]}
    assert short.of(fields_of(pytestconfig, "setup")) == first
    assert short.of(fields_of(pytestconfig, "call")) == {**times, "when": "call"}
    changed = short.of(fields_of(pytestconfig, "teardown", keywords={"test": 1, "slow": 1}, sections=[("a", "b")]))
    assert changed == {**times, "when": "teardown", "keywords": ["test", "slow"], "sections": [("a", "b")]}


@pytest.mark.parametrize(
    "odd",
    [
        {"outcome": "failed"},
        {"outcome": Text("passed")},
        {"longrepr": "why"},
        {"wasxfail": "why"},
        {"extras": []},
        {"duration": 1},
        {"stop": float("nan")},
        {"keywords": {"test": True}},
        {"keywords": {Text("test"): 1}},
        {"location": ("t.py", 3, Text("test"))},
        {"user_properties": [("a", [1])]},
        {CARRIED: {}},
    ],
    ids=str,
)
def test_a_report_that_says_more_has_no_short_form(pytestconfig: pytest.Config, odd: dict[str, Any]) -> None:
    assert ShortReports().of(fields_of(pytestconfig, "call", **odd)) is None


def test_what_other_plugins_carry_is_not_in_a_short_form(pytestconfig: pytest.Config) -> None:
    assert ShortReports().of(fields_of(pytestconfig, "teardown", **{CARRIED: {"a": 1}})) is None


SHORT: Final[dict[str, Any]] = {"outcome": "passed", "when": "setup", "duration": 0.5}


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"outcome": "failed"}, "expected 'passed' as 'outcome' of a passed phase, got 'failed'"),
        ({"nodeid": "t.py::other"}, "expected a passed phase with no more than outcome, keywords, "),
        ({"foreign_thread": {}}, "expected a passed phase with no more than "),
        ({"keywords": {"test": 1}}, "expected a list of texts as 'keywords'"),
        ({"keywords": [1]}, "expected a list of texts as 'keywords'"),
        ({"duration": float("nan")}, "expected a number of seconds as 'duration'"),
        ({"duration": None}, "expected a number of seconds as 'duration'"),
        ({"location": ["t.py", 3]}, "expected a file, a line or null, and a name as 'location'"),
        ({"sections": [["a"]]}, "expected pairs of texts as 'sections'"),
        ({"user_properties": ["a"]}, "expected pairs of a name and a value as 'user_properties'"),
        ({"when": "call"}, "expected the report of the setup, got one of 'call'"),
        ({"when": "x" * 999}, "expected one of setup, call, teardown as 'when'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refused_in_words(odd: dict[str, Any], words: str) -> None:
    expected = MessagesOfTest("t.py::test", starts_jvm=False)
    expected.take(PhaseStarted(Phase.SETUP))
    with pytest.raises(Unexpected) as refused:
        expected.take(PhasePassed({**SHORT, **odd}))
    assert str(refused.value).startswith(words)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("missing", SHORT)
def test_a_field_is_missing(missing: str) -> None:
    expected = MessagesOfTest("t.py::test", starts_jvm=False)
    expected.take(PhaseStarted(Phase.SETUP))
    with pytest.raises(Unexpected, match=f"expected a passed phase with {missing!r}, got one without"):
        expected.take(PhasePassed({name: value for name, value in SHORT.items() if name != missing}))


def test_short_and_long_reports_of_a_test_are_one_row() -> None:
    expected = MessagesOfTest("t.py::test", starts_jvm=False)
    expected.take(PhaseStarted(Phase.SETUP))
    with pytest.raises(Unexpected, match="expected the report of the setup, got the start of the call"):
        expected.take(PhaseStarted(Phase.CALL))
    expected = MessagesOfTest("t.py::test", starts_jvm=False)
    expected.take(PhaseStarted(Phase.SETUP))
    expected.take(PhasePassed(SHORT))
    expected.take(PhaseStarted(Phase.CALL))
    expected.take(ReportMade({"nodeid": "t.py::test", "when": "call", "outcome": "passed"}))
    expected.take(PhaseStarted(Phase.TEARDOWN))
    with pytest.raises(Unexpected, match="expected the report of the teardown, got one of 'setup'"):
        expected.take(PhasePassed(SHORT))


def test_the_first_short_form_needs_a_location(pytestconfig: pytest.Config) -> None:
    passed = PassedPhases(Item(pytestconfig, "t.py::test"))  # type: ignore[arg-type]
    with pytest.raises(BadShape, match="with 'location', got one without"):
        passed.report(SHORT)


class Reads:
    """A plugin with a report class of its own."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_from_serializable(self, data: dict[str, Any]) -> pytest.TestReport:
        fields = {name: value for name, value in data.items() if not name.startswith("$")}
        return PartOfATest(**fields)


def test_a_plugin_that_reads_reports_in_its_own_way(pytestconfig: pytest.Config) -> None:
    plugin, short = Reads(), {**SHORT, "location": ["t.py", 3, "test"], "keywords": ["test"]}
    pytestconfig.pluginmanager.register(plugin)
    try:
        report = PassedPhases(Item(pytestconfig, "t.py::test")).report(short)  # type: ignore[arg-type]
    finally:
        pytestconfig.pluginmanager.unregister(plugin)
    assert (type(report), report.nodeid, report.keywords) == (PartOfATest, "t.py::test", {"test": 1})


@pytest.mark.parametrize("text", [b"[]", b"3", b"", b"{"])
def test_a_line_that_is_no_message(text: bytes) -> None:
    decoder = Decoder()
    assert (decoder.feed(b"PhasePassed\t" + text + b"\n"), decoder.foreign_lines) == ([], 1)
