"""Fixtures that are torn down after the last test of a shared child: what goes wrong there is an error of that test."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any, Final

import pytest

from .conftest import RunSuite, SuiteRun

REPLACED: Final = """
    import os
    import pytest
    pytestmark = pytest.mark.foreign_thread(mode="python")

    @pytest.fixture(scope="{scope}")
    def broken():
        yield
        print("in the last teardown")
        assert os.getpid() == 2, "torn down late"

    class TestIt:
        def test_1(self, broken): pass
        def test_2(self): os.environ["LEFT"] = "1"
        def test_3(self): pass
"""
SKIPPED: Final = """
    import ctypes, os, sys, threading, warnings
    import pytest
    pytestmark = pytest.mark.foreign_thread(mode="python")

    @pytest.fixture(scope="session")
    def broken():
        yield
        {deed}

    def test_1(broken): pass
    {mark}
    def test_2(): {body}
    # A mark evaluates in the pytest process, so that the child does not know that test_2 is its last test.
    @pytest.mark.skip
    def test_3(broken): pass
"""
SESSION: Final = "--foreign-thread-isolation=session"
AUTO: Final = "--foreign-thread-isolation=auto"


def skipped(deed: str, body: str = "pass", mark: str = "") -> str:
    return SKIPPED.format(deed=deed, body=body, mark=mark)


def told(ran: SuiteRun, name: str) -> tuple[str, str, str]:
    entry = ran.tests[name]
    return entry["outcome"], entry["phase"], entry["message"]


def cases_of(ran: SuiteRun) -> list[tuple[str, list[str]]]:
    """The name of each test case in JUnit's report, and the tags of what it has."""
    cases = ET.parse(ran.folder / "junit.xml").iter("testcase")
    return [(str(one.get("name")), [child.tag for child in one]) for one in cases]


def names(ran: SuiteRun) -> list[str]:
    return [entry["nodeid"].rpartition("::")[2] for entry in ran.document["tests"]]


@pytest.mark.parametrize("scope", ["class", "module", "session"])
# A fixture of the module ends with its child in the tests below.
@pytest.mark.by_default("class")
def test_a_child_is_replaced(run_suite: RunSuite, scope: str) -> None:
    ran = run_suite(REPLACED.format(scope=scope), AUTO, "--junitxml=junit.xml")
    assert (ran.closing_line, ran.status) == ("3 passed, 1 error", 1), ran.output
    assert "ERROR at teardown of TestIt.test_2" in ran.output
    assert '>       assert os.getpid() == 2, "torn down late"' in ran.output
    assert ran.output.count("\nin the last teardown\n") == 1
    assert "Captured stdout teardown" in ran.output
    assert told(ran, "TestIt::test_2") == ("error", "teardown", "AssertionError: torn down late")
    assert [ran.outcomes[f"TestIt::test_{number}"] for number in (1, 3)] == ["passed", "passed"]
    assert cases_of(ran) == [("test_1", []), ("test_2", ["error"]), ("test_3", [])]


def test_no_test_follows(run_suite: RunSuite) -> None:
    ran = run_suite(skipped('raise ValueError("late")'), SESSION, "--junitxml=junit.xml", "-rE", "-v")
    assert (ran.closing_line, ran.status) == ("2 passed, 1 skipped, 1 error", 1), ran.output
    assert "ERROR at teardown of test_2" in ran.output
    assert "test_it.py::test_2 ERROR" in ran.output
    assert "ERROR test_it.py::test_2 - ValueError: late" in ran.output
    assert told(ran, "test_2") == ("error", "teardown", "ValueError: late")
    assert names(ran) == ["test_1", "test_2", "test_3"]
    # What comes after the end of a test is a test case of its own, as an error after a failure is.
    expected = [("test_1", []), ("test_2", []), ("test_3", ["skipped"]), ("test_2", ["error"])]
    assert sorted(cases_of(ran)) == sorted(expected)
    failed = json.loads((ran.folder / ".pytest_cache/v/cache/lastfailed").read_text())
    assert failed == {"test_it.py::test_2": True}


def test_a_module_ends_before_another_begins(run_suite: RunSuite) -> None:
    other = """
        import pytest
        @pytest.mark.foreign_thread(mode="python")
        def test_other(): pass
    """
    files = {"test_a.py": skipped('raise ValueError("late")'), "test_b.py": other}
    ran = run_suite(files, "--foreign-thread-isolation=module")
    assert ran.closing_line == "3 passed, 1 skipped, 1 error", ran.output
    assert ran.outcomes == {"test_1": "passed", "test_2": "error", "test_3": "skipped", "test_other": "passed"}


def test_a_run_that_stops_early(run_suite: RunSuite) -> None:
    ran = run_suite(skipped('raise ValueError("late")', body="assert 0"), SESSION, "-x")
    assert (ran.closing_line, ran.status) == ("1 failed, 1 passed, 1 error", 1), ran.output
    assert "ERROR at teardown of test_2" in ran.output
    assert told(ran, "test_2")[:2] == ("failed", "call"), "what went wrong first is the outcome"


@pytest.mark.parametrize("isolation", [AUTO, SESSION])
def test_an_error_stops_the_run(run_suite: RunSuite, isolation: str) -> None:
    ran = run_suite(REPLACED.format(scope="session"), isolation, "-x")
    # With isolation `session` test_3 is the last one, and nothing is left to stop.
    expected = {AUTO: "2 passed, 1 error", SESSION: "3 passed, 1 error"}
    assert ran.closing_line == expected[isolation], ran.output


def test_two_fixtures_fail(run_suite: RunSuite) -> None:
    source = skipped('raise ValueError("outer")') + (
        """
    @pytest.fixture(scope="module")
    def inner(broken):
        yield
        raise ValueError("inner")
    def test_4(inner): pass
    @pytest.mark.skip
    def test_5(inner): pass
"""
    )
    ran = run_suite(source, SESSION)
    assert ran.closing_line == "3 passed, 2 skipped, 1 error", ran.output
    assert "ValueError: outer" in ran.output
    assert "ValueError: inner" in ran.output


WAYS: Final[dict[str, tuple[str, str, int, str]]] = {
    "fail": ('pytest.fail("late")', "2 passed, 1 skipped, 1 error", 1, "error"),
    "skip": ('pytest.skip("late")', "2 passed, 2 skipped", 0, "skipped"),
    "sys-exit": ("sys.exit(3)", "2 passed, 1 skipped, 1 error", 1, "error"),
    "pytest-exit": ('pytest.exit("late", 7)', "!!!!!!!!!!!!!!!!!!!!!!!!! _pytest.outcomes.Exit: late", 7, "passed"),
    "interrupt": ("raise KeyboardInterrupt", "2 passed, 1 skipped", 2, "passed"),
}


@pytest.mark.parametrize(("deed", "closing", "status", "outcome"), WAYS.values(), ids=WAYS)
def test_ways_to_end_it(run_suite: RunSuite, deed: str, closing: str, status: int, outcome: str) -> None:
    ran = run_suite(skipped(deed), SESSION)
    assert ran.closing_line.startswith(closing), ran.output
    assert (ran.status, ran.outcomes["test_2"]) == (status, outcome)


DEATHS: Final[dict[str, tuple[str, str]]] = {
    "segfault": ("ctypes.string_at(0)", "segfault"),
    "abort": ("os.abort()", "crash"),
    "leave": ("os._exit(0)", "crash"),
    "hang": ("threading.Event().wait()", "hang"),
}


@pytest.mark.parametrize(("deed", "outcome"), DEATHS.values(), ids=DEATHS)
def test_the_child_dies(run_suite: RunSuite, deed: str, outcome: str) -> None:
    ran = run_suite(skipped(deed), SESSION, "--foreign-thread-timeout=2")
    assert (ran.closing_line, ran.status) == (f"2 passed, 1 skipped, 1 {outcome}", 1), ran.output
    assert told(ran, "test_2")[:2] == (outcome, "teardown")
    assert "teardown of test_2" in ran.output
    assert any("broken" in str(thread) for thread in ran.tests["test_2"]["threads"]), "the fixture is in the stack"


def test_a_child_that_is_replaced_dies(run_suite: RunSuite) -> None:
    ran = run_suite(REPLACED.format(scope="session").replace("assert os.getpid() == 2", "os.abort()"), AUTO)
    assert ran.closing_line == "3 passed, 1 crash", ran.output
    assert told(ran, "TestIt::test_2")[:2] == ("crash", "teardown")


def test_a_child_dies_between_two_tests(run_suite: RunSuite) -> None:
    conftest = """
        import os, signal
        def pytest_runtest_logfinish(nodeid):
            if nodeid.endswith("test_2"):
                with open("pid") as file:
                    os.kill(int(file.read()), signal.SIGKILL)
    """
    source = skipped("pass", body='open("pid", "w").write(str(os.getpid()))')
    ran = run_suite({"conftest.py": conftest, "test_it.py": source}, SESSION)
    assert ran.closing_line == "2 passed, 1 skipped, 1 crash", ran.output
    assert told(ran, "test_2") == ("crash", "teardown", "killed by SIGKILL")


def test_an_expected_failure_stays_one(run_suite: RunSuite) -> None:
    source = skipped('raise ValueError("late")', mark="@pytest.mark.xfail", body="assert 0")
    ran = run_suite(source, SESSION)
    # pytest counts a teardown that fails under this mark as well.
    assert (ran.closing_line, ran.status) == ("1 passed, 1 skipped, 2 xfailed", 0), ran.output


def test_a_warning_is_shown(run_suite: RunSuite) -> None:
    ran = run_suite(skipped('warnings.warn("late")'), SESSION)
    assert ran.closing_line == "2 passed, 1 skipped, 1 warning", ran.output
    assert "UserWarning: late" in ran.output


def test_a_hook_that_raises(run_suite: RunSuite) -> None:
    conftest = """
        import pytest
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            assert call.excinfo is None, item.funcargs["missing"]
            return report
    """
    ran = run_suite({"conftest.py": conftest, "test_it.py": skipped('raise ValueError("late")')}, SESSION)
    assert ran.closing_line == "2 passed, 1 skipped, 1 error", ran.output
    assert told(ran, "test_2") == ("error", "teardown", "ValueError: late")


@pytest.mark.parametrize(("deed", "outcome"), [('raise ValueError("late")', "error"), ("os.abort()", "crash")])
def test_in_a_worker_of_xdist(run_suite: RunSuite, deed: str, outcome: str) -> None:
    ran = run_suite(skipped(deed), SESSION, "-n1", "--junitxml=junit.xml")
    assert (ran.closing_line, ran.status) == (f"2 passed, 1 skipped, 1 {outcome}", 1), ran.output
    assert told(ran, "test_2")[:2] == (outcome, "teardown")
    assert names(ran) == ["test_1", "test_2", "test_3"]


def test_a_worker_reports_an_earlier_module(run_suite: RunSuite) -> None:
    """Another test runs when the report comes, and xdist wants reports of that one only."""
    other = """
        import pytest
        @pytest.mark.foreign_thread(mode="python")
        @pytest.mark.parametrize("number", range(3))
        def test_other(number): pass
    """
    files = {"test_a.py": skipped('raise ValueError("late")'), "test_b.py": other}
    ran = run_suite(files, "--foreign-thread-isolation=module", "-n1")
    assert ran.closing_line == "5 passed, 1 skipped, 1 error", ran.output
    assert told(ran, "test_2") == ("error", "teardown", "ValueError: late")


def test_a_matrix_has_it_in_its_cell(run_suite: RunSuite) -> None:
    source = skipped('raise ValueError("late")').replace('(mode="python")', "")
    ran = run_suite(source, "--foreign-thread-modes=main,native", SESSION, "--junitxml=junit.xml")
    assert ran.closing_line == "4 passed, 2 skipped, 2 errors", ran.output
    rows: list[dict[str, Any]] = ran.document["matrix"]["rows"]
    verdicts = {row["test"].partition("::")[2]: row["verdict"] for row in rows}
    assert (verdicts["test_1"], verdicts["test_2"]) == ("sound", "broken")


def test_the_next_mode_is_not_to_blame(run_suite: RunSuite) -> None:
    """A fixture of the session is torn down after another test in each mode: that proves nothing about threads."""
    source = REPLACED.format(scope="session").replace('(mode="python")', "")
    ran = run_suite(source, "--foreign-thread-modes=main,native", AUTO)
    assert ran.closing_line == "6 passed, 2 errors", ran.output
    assert {row["verdict"] for row in ran.document["matrix"]["rows"]} <= {"sound", "flaky", "broken"}


def test_rounds_end_with_it(run_suite: RunSuite) -> None:
    source = REPLACED.format(scope="session").partition("class")[0] + "def test_1(broken): pass\n"
    ran = run_suite(source, "--foreign-thread-stress=1s", "--foreign-thread-stress-shrink=0")
    assert ran.closing_line == "1 passed, 1 error", ran.output
    entry = ran.tests["test_1"]
    assert (entry["outcome"], entry["stress"]["failed"]) == ("error", 0)


NEXT_PARAMETER: Final = """
    import pytest
    @pytest.fixture(scope="module", params=[1, 2])
    def wide(request):
        yield
        if request.param == 1: raise ValueError("late")
    @pytest.fixture(scope="module")
    def plain(): yield
    def test_one(wide, plain): pass
    def test_two(wide): pass
"""


def test_the_next_parameter_of_a_fixture_ends_the_one_before(run_suite: RunSuite) -> None:
    """No other child stands in the way of that setup: it is not repeated, and the error not lost."""
    ran = run_suite(NEXT_PARAMETER, AUTO, "--foreign-thread-all", "--foreign-thread-modes=python")
    assert (ran.closing_line, ran.status) == ("3 passed, 1 error", 1), ran.output
    assert told(ran, "test_one[2-python]") == ("error", "setup", "ValueError: late")


def test_the_next_parameter_of_a_fixture_beside_the_children_of_other_modes(run_suite: RunSuite) -> None:
    """A setup is repeated without these children, but not if it failed in the teardown of an earlier test's fixture."""
    ran = run_suite(NEXT_PARAMETER, AUTO, "--foreign-thread-all", "--foreign-thread-modes=main,python,native")
    assert told(ran, "test_one[2-main]") == ("error", "setup", "ValueError: late"), ran.output
    errors = [name for name, outcome in ran.outcomes.items() if outcome == "error"]
    assert sorted(name.rpartition("-")[2] for name in errors) == ["main]", "native]", "python]"], "one in each mode"


BEFORE_ANOTHER_CLASS: Final = """
    import pytest
    pytestmark = pytest.mark.foreign_thread(mode="python")
    @pytest.fixture(scope="class")
    def broken():
        yield
        {deed}
    class TestA:
        def test_1(self, broken): pass
        @pytest.mark.skip
        def test_2(self, broken): pass
    class TestB:
        def test_3(self, {own}): print("the body ran")
        def test_4(self): pass
    @pytest.fixture
    def own():
        yield
        raise KeyError("own")
"""


def test_a_teardown_that_is_due_before_a_test_is_no_setup_of_that_test(run_suite: RunSuite) -> None:
    source = BEFORE_ANOTHER_CLASS.format(deed='raise ValueError("late")', own="request")
    ran = run_suite(source, SESSION, "-rP")
    assert (ran.closing_line, ran.status) == ("3 passed, 1 skipped, 1 error", 1), ran.output
    assert told(ran, "TestB::test_3") == ("error", "teardown", "ValueError: late")
    assert "\nthe body ran\n" in ran.output


def test_a_teardown_that_was_due_earlier_and_the_tests_own(run_suite: RunSuite) -> None:
    source = BEFORE_ANOTHER_CLASS.format(deed='raise ValueError("late")', own="own")
    ran = run_suite(source, SESSION)
    assert (ran.closing_line, ran.status) == ("3 passed, 1 skipped, 1 error", 1), ran.output
    assert "ValueError: late" in ran.output
    assert "KeyError: 'own'" in ran.output


def test_a_teardown_that_was_due_earlier_may_end_the_run(run_suite: RunSuite) -> None:
    source = BEFORE_ANOTHER_CLASS.format(deed='pytest.exit("enough", 7)', own="request")
    ran = run_suite(source, SESSION)
    assert ran.status == 7, ran.output
    assert "the body ran" not in ran.output


@pytest.mark.parametrize("isolation", [SESSION, AUTO])
def test_a_test_shut_the_jvm_down(run_suite: RunSuite, isolation: str) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        @pytest.fixture(scope="module")
        def broken():
            yield
            raise ValueError("late")
        def test_1(jvm, broken): pass
        def test_2(jvm): jvm.shutdownJVM()
        def test_3(jvm): assert jvm.isJVMStarted()
    """
    ran = run_suite(source, isolation)
    warned = ", 1 warning" if isolation == SESSION else ""
    assert (ran.closing_line, ran.status) == (f"3 passed{warned}, 1 error", 1), ran.output
    assert told(ran, "test_2") == ("error", "teardown", "ValueError: late")


@pytest.mark.parametrize("isolation", [SESSION, AUTO, "--foreign-thread-isolation=test"])
@pytest.mark.parametrize("way", ["yield", "addfinalizer"])
@pytest.mark.by_default(f"yield-{SESSION}", f"addfinalizer-{AUTO}")
def test_an_error_before_a_crash_is_seen(run_suite: RunSuite, isolation: str, way: str) -> None:
    body = {
        "yield": "yield; raise ValueError('raised first')",
        "addfinalizer": "request.addfinalizer(lambda: (_ for _ in ()).throw(ValueError('raised first')))",
    }[way]
    source = f"""
        import ctypes
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        @pytest.fixture(scope="session")
        def crashes():
            yield
            ctypes.string_at(0)
        @pytest.fixture(scope="module")
        def raises(request):
            {body}
        @pytest.fixture
        def sound(raises):
            yield
        def test_1(): pass
        def test_2(crashes, sound): pass
    """
    ran = run_suite(source, isolation)
    assert (ran.closing_line, ran.status) == ("2 passed, 1 segfault", 1), ran.output
    (text,) = ran.tests["test_2"]["uncaught"]
    assert text.startswith("raised in the teardown of fixture raises:\nTraceback (most recent call last):\n")
    assert text.endswith("\nValueError: raised first")
    assert text in ran.output
