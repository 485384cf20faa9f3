"""Objects of a test that cannot be shown: the test ends as in plain pytest, never as the death of its child."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import SuiteRun, run_suite_in

SUITE: Final = """
    import warnings
    import pytest

    pytestmark = pytest.mark.MARK

    class Mute:
        def __str__(self):
            raise RuntimeError("no text")
        __repr__ = __str__

    class MuteError(Exception):
        __str__ = __repr__ = Mute.__str__

    class Exits:
        def __str__(self):
            raise SystemExit(3)
        __repr__ = __str__

    class Text(str):
        def __str__(self):
            raise RuntimeError("no text")
        def encode(self, *_):
            raise RuntimeError("no bytes")

    class Odd(UserWarning):
        pass

    Odd.__qualname__ = "a\\0b"
    Odd.__module__ = "c\\ud800d"

    class OnceWarning(UserWarning):
        said = False

        def __str__(self):
            if self.said:
                raise RuntimeError("no text")
            self.said = True
            return "once"

    @pytest.mark.parametrize("kind", [Mute, Exits])
    def test_property_name(record_property, kind):
        record_property(kind(), 1)

    @pytest.mark.parametrize("kind", [Mute, Exits])
    def test_property_value(record_property, kind):
        record_property("name", kind())

    def test_property_text(record_property):
        record_property(Text("name"), Text("value"))

    def test_property_surrogate(record_property):
        record_property("\\ud800", "\\udfff")

    def test_no_pair(request):
        request.node.user_properties.append(5)

    def test_warning_of_an_odd_class():
        warnings.warn("shown", Odd)

    def test_warning_with_a_text_once():
        warnings.warn(OnceWarning())

    def test_error_without_a_text():
        raise MuteError

    def test_error_caused_by_one_without_a_text():
        raise ValueError("outer") from MuteError()

    def test_error_with_odd_arguments():
        raise KeyError(Mute())

    def test_assertion_on_one():
        assert Mute() == Exits()

    def test_skip_reason():
        pytest.skip(Text("later"))

    def test_xfail_reason():
        pytest.xfail(Text("later"))

    def test_section(request):
        request.node.add_report_section("call", "name", Mute())

    @pytest.mark.parametrize("argument", [Mute()], ids=["mute"])
    def test_argument(argument):
        assert 0

    def test_sound():
        pass
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("odd"), SUITE.replace("MARK", "forked"))


def test_no_child_dies_of_them(run: SuiteRun) -> None:
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.status == 1
    assert {entry["outcome"] for entry in run.tests.values()} <= {"passed", "failed", "error", "skipped", "xfailed"}
    assert run.outcomes["test_sound"] == "passed"


@pytest.mark.parametrize(
    ("name", "outcome"),
    {
        "test_property_name[Mute]": "passed",
        "test_property_name[Exits]": "passed",
        "test_property_value[Mute]": "passed",
        "test_property_text": "passed",
        "test_property_surrogate": "passed",
        "test_no_pair": "passed",
        "test_warning_of_an_odd_class": "passed",
        "test_warning_with_a_text_once": "passed",
        "test_error_without_a_text": "failed",
        "test_error_caused_by_one_without_a_text": "failed",
        "test_error_with_odd_arguments": "failed",
        "test_assertion_on_one": "failed",
        "test_argument[mute]": "failed",
    }.items(),
)
def test_each_ends_as_it_would_without_a_child(run: SuiteRun, name: str, outcome: str) -> None:
    assert run.outcomes[name] == outcome


def test_the_warnings_are_shown(run: SuiteRun) -> None:
    assert "a\\0b: shown" in run.output
    assert "whose text raised RuntimeError" in run.output


HOOKS: Final = """
    import pytest

    def loops():
        found = []
        found.append(found)
        return found

    class Nasty(dict):
        def items(self):
            raise RuntimeError("no items")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        name = item.name if call.when == "call" else ""
        if name == "test_renamed":
            report.nodeid = "another name"
        elif name == "test_attributes":
            report.loops, report.nasty, report.node = loops(), Nasty(a=1), item
            report.toterminal = lambda out: out.line("shown")
        elif name == "test_xfail_reason":
            report.wasxfail = 5
        elif name == "test_report_hook":
            raise RuntimeError("in the report hook")
        elif name == "test_no_report":
            return object()
        return report

    def pytest_exception_interact(node):
        if node.name == "test_interact_hook":
            raise RuntimeError("in the interact hook")

    def pytest_report_to_serializable(report):
        if report.nodeid.endswith("test_serializing_hook") and report.when == "call":
            raise RuntimeError("in the serializing hook")

    def pytest_foreign_thread_carry(item):
        if item.name == "test_carry_hook":
            raise RuntimeError("in the carry hook")
"""
HOOKED: Final = """
    import pytest

    pytestmark = pytest.mark.forked

    def test_renamed(): pass
    def test_attributes(): pass
    @pytest.mark.xfail
    def test_xfail_reason(): assert 0
    def test_report_hook(): pass
    def test_no_report(): pass
    def test_interact_hook(): assert 0
    def test_serializing_hook(): pass
    def test_carry_hook(): pass
    def test_sound(): pass
"""


def test_hooks_that_raise_in_the_child_fail_the_test(tmp_path: Path) -> None:
    run = run_suite_in(tmp_path, {"test_it.py": HOOKED, "conftest.py": HOOKS}, "-v", "-rx")
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.outcomes == {
        "test_renamed": "passed",
        "test_attributes": "passed",
        "test_xfail_reason": "xfailed",
        "test_report_hook": "failed",
        "test_no_report": "failed",
        "test_interact_hook": "failed",
        "test_serializing_hook": "failed",
        "test_carry_hook": "error",
        "test_sound": "passed",
    }, run.output
    for words in ("report hook", "interact hook", "serializing hook", "carry hook"):
        assert f"RuntimeError: in the {words}" in run.output


STOPS: Final = """
    import pytest

    class Mute:
        def __str__(self):
            raise RuntimeError("no text")
        __repr__ = __str__

    @pytest.mark.forked
    def test_stops():
        {stop}

    @pytest.mark.forked
    def test_after():
        pass
"""


@pytest.mark.parametrize(
    ("stop", "status", "words"),
    [
        ("pytest.exit(Mute())", 2, "whose text raised RuntimeError"),
        ("pytest.exit('\\ud800\\0')", 2, "_pytest.outcomes.Exit"),
        ("pytest.exit('enough', returncode='three')", 1, "Exit: enough"),
        ("pytest.exit('enough', returncode=True)", 1, "Exit: enough"),
        ("raise KeyboardInterrupt(Mute())", 2, "KeyboardInterrupt"),
    ],
)
# One odd text and one odd status; the others are of the same two kinds.
@pytest.mark.by_default(
    "pytest.exit(Mute())-2-whose text raised RuntimeError", "pytest.exit('enough', returncode='three')-1-Exit: enough"
)
def test_the_end_of_the_run_with_an_odd_reason(tmp_path: Path, stop: str, status: int, words: str) -> None:
    run = run_suite_in(tmp_path, STOPS.format(stop=stop))
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.status == status, run.output
    assert words in run.output + run.errors
    assert "test_after" not in run.outcomes
