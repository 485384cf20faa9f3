"""The package flaky, whose loop logs the last run alone; and what runs a test again from within a report."""

from __future__ import annotations

import pytest

from .conftest import RunWith
from .test_rerunfailures import OUTCOMES, QUICK, RUNS, SUITE


@pytest.mark.parametrize("args", [(), ("--foreign-thread-isolation=session",)], ids=["alone", "shared"])
# The child that a run again could meet.
@pytest.mark.by_default("shared")
def test_the_last_run_counts(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("flaky", SUITE, "--force-flaky", "--max-runs=3", QUICK, *args)
    assert run.outcomes == OUTCOMES, run.output
    assert run.closing_line == "1 failed, 5 passed, 1 skipped, 1 xfailed, 1 segfault"
    assert run.status == 1
    assert len((run.folder / "test_passes_at_last").read_text()) == RUNS["test_passes_at_last"]


def test_its_decorator_and_its_marker(run_with: RunWith) -> None:
    suite = """
        import ctypes, os, unittest
        import flaky
        import pytest

        def die_once(name):
            if not os.path.exists(name):
                open(name, "w").close()
                ctypes.string_at(0)

        @pytest.mark.foreign_thread
        @flaky.flaky
        def test_decorated():
            die_once("decorated")

        @pytest.mark.flaky
        @pytest.mark.foreign_thread
        def test_marked():
            die_once("marked")

        @flaky.flaky
        @pytest.mark.foreign_thread(mode=["new", "pool"])
        class TestCase(unittest.TestCase):
            def test_method(self):
                die_once("method")

        @pytest.mark.foreign_thread
        def test_neither():
            die_once("neither")
    """
    run = run_with("flaky", suite, QUICK)
    assert run.closing_line == "4 passed, 1 segfault", run.output
    assert run.outcomes["test_neither"] == "segfault"


RETRIES = """
    import pytest

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(item, call):
        report = (yield).get_result()
        if call.when != "call" or call.excinfo is None:
            return
        following = pytest.Class.from_parent(item.session, name="TestFollowing")
        hook = item.ihook
        teardown = lambda: hook.pytest_runtest_teardown(item=item, nextitem=following)
        pytest.CallInfo.from_call(teardown, "teardown")
        item._initrequest()
        pytest.CallInfo.from_call(lambda: hook.pytest_runtest_setup(item=item), "setup")
        call = pytest.CallInfo.from_call(lambda: hook.pytest_runtest_call(item=item), "call")
        again = pytest.TestReport.from_item_and_call(item, call)
        report.outcome, report.longrepr = again.outcome, again.longrepr
"""


def test_a_crash_is_never_run_again_in_the_process_of_pytest(run_with: RunWith) -> None:
    run = run_with("", {"conftest.py": RETRIES, "test_it.py": SUITE}, "-k", "crashes or passes_at_last or fails", QUICK)
    assert run.outcomes == {
        "test_fails": "failed",
        "test_passes_at_last": "failed",
        "test_crashes": "segfault",
        "test_crashes_once": "segfault",
    }, run.output
    assert len((run.folder / "test_fails").read_text()) == 2


def test_a_test_that_has_to_pass_twice_lets_no_test_begin_in_between(run_with: RunWith) -> None:
    suite = """
        import flaky
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="python")

        def note(name):
            with open("ran", "a") as file:
                file.write(name)

        def test_before(): note("b")
        @flaky.flaky(max_runs=3, min_passes=2)
        def test_twice(): note("t")
        def test_after(): note("a")
    """
    run = run_with("flaky", suite, "--foreign-thread-isolation=session")
    assert run.closing_line == "3 passed", run.output
    assert (run.folder / "ran").read_text() == "btta"
