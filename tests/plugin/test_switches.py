"""Switches of pytest that the tests of its other features have not."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

import pytest

from .conftest import RunSuite, SuiteRun

SUITE: Final = """
    import ctypes, os, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")

    @pytest.fixture
    def prepared():
        yield

    def test_passes(prepared):
        assert threading.current_thread() is not threading.main_thread()

    def test_fails():
        assert 1 == 2

    def test_segfault():
        ctypes.string_at(0)

    def test_crash():
        os._exit(3)
"""
IN_NEW: Final = ('mode="python"', 'mode="new"')
OUTCOMES: Final = {"test_passes": "passed", "test_fails": "failed", "test_segfault": "segfault", "test_crash": "crash"}


def frames_of(run: SuiteRun, test: str) -> list[str]:
    threads = run.tests[test]["threads"]
    return [frame["function"] for thread in threads for stack in thread["stacks"] for frame in stack]


@pytest.mark.parametrize(
    "args",
    [
        ("-p", "no:faulthandler"),
        ("-o", "faulthandler_timeout=60"),
        ("--import-mode=importlib",),
        ("--capture=sys",),
        ("--capture=tee-sys",),
        ("--capture=no",),
        ("-p", "no:cacheprovider", "-p", "no:junitxml", "-p", "no:logging"),
    ],
    ids=" ".join,
)
# Without pytest's capture all is written at once; the import mode is one of test_spawn.py.
@pytest.mark.by_default("-p no:faulthandler", "--capture=no")
def test_what_holds_whatever_the_switches(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    # HotSpot has handlers of its own beside those of faulthandler.
    suite = SUITE.replace(*IN_NEW) if "no:faulthandler" in args else SUITE
    run = run_suite(suite, *args)
    assert run.outcomes == OUTCOMES, run.output
    assert run.closing_line == "1 failed, 1 passed, 1 segfault, 1 crash"
    assert "test_segfault" in frames_of(run, "test_segfault")
    assert "test_crash" in frames_of(run, "test_crash")
    assert "assert 1 == 2" in run.output


def test_a_dump_by_pytests_own_timeout_ends_nothing(run_suite: RunSuite) -> None:
    """faulthandler's watchdog is a thread of the pytest process; a child must not wait for the end of its own copy."""
    suite = """
        import threading
        import pytest

        @pytest.mark.foreign_thread(mode="python", timeout=3)
        def test_hangs():
            threading.Event().wait()

        @pytest.mark.foreign_thread(mode="python")
        def test_passes():
            pass
    """
    run = run_suite(suite, "-o", "faulthandler_timeout=0.5")
    assert run.outcomes == {"test_hangs": "hang", "test_passes": "passed"}, run.output
    assert "test_hangs" in frames_of(run, "test_hangs")
    assert "Timeout (0:00:00.500000)!" in run.output + run.errors


def test_warnings_as_errors_beside_a_thread_in_the_pytest_process(run_suite: RunSuite) -> None:
    """From Python 3.12 on a fork there is warned of; the suite is not at fault."""
    thread = """
        import threading
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def thread():
            end = threading.Event()
            started = threading.Thread(target=end.wait)
            started.start()
            yield
            end.set()
            started.join()
    """
    suite = """
        import pytest

        def test_ordinary(): pass

        @pytest.mark.foreign_thread(mode="python")
        def test_foreign(): pass

        @pytest.mark.foreign_thread(mode="main")
        def test_main(): pass
    """
    run = run_suite({"conftest.py": thread, "test_it.py": suite}, "-W", "error", "-v")
    assert (run.status, run.closing_line) == (0, "3 passed, 1 warning"), run.output
    run = run_suite({"conftest.py": thread, "test_it.py": suite}, "-W", "error", "--foreign-thread-isolation=session")
    assert (run.status, run.closing_line) == (0, "3 passed, 1 warning"), run.output
    assert "ThreadsBeforeForkWarning" in run.output


@pytest.mark.parametrize("args", [("--setup-plan",), ("--co",), ("--co", "-q"), ("--fixtures-per-test",)], ids=" ".join)
# The others collect as these do.
@pytest.mark.by_default("--setup-plan", "--co")
def test_what_runs_no_test_forks_no_child(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    run = run_suite(SUITE, *args, "-W", "error")
    assert run.status == 0, run.output
    assert "segfault" not in run.output.replace("test_segfault", "")
    assert "test_passes" in run.output
    assert "passed" not in run.closing_line


def test_pyargs(run_suite: RunSuite) -> None:
    run = run_suite({"package/__init__.py": "", "package/test_it.py": SUITE}, "--pyargs", "package.test_it")
    assert run.outcomes == OUTCOMES, run.output
    assert "rerun: pytest 'package/test_it.py::test_crash'" in run.output


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
# The other is pytest's default, which test_pytest_features.py reads.
@pytest.mark.by_default("xunit1")
def test_both_families_of_junit(run_suite: RunSuite, family: str) -> None:
    run = run_suite(SUITE, "--junitxml=junit.xml", "-o", f"junit_family={family}")
    suite = ElementTree.parse(run.folder / "junit.xml").getroot()[0]
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "3",
        "errors": "0",
        "skipped": "0",
    }
    texts = {case.attrib["name"]: case.findtext("failure", "") for case in suite.iter("testcase")}
    assert texts["test_segfault"].startswith("segfault on Python thread")
    assert texts["test_crash"].startswith("crash on Python thread")
    assert all(("file" in case.attrib) is (family == "xunit1") for case in suite.iter("testcase"))


def test_setup_show_of_a_test_that_dies(run_suite: RunSuite) -> None:
    run = run_suite(SUITE, "--setup-show")
    shown = re.findall(r"^ +(SETUP    F prepared|test_it.py::\w+|TEARDOWN F prepared)", run.output, re.MULTILINE)
    assert shown == [
        "SETUP    F prepared",
        "test_it.py::test_passes",
        "TEARDOWN F prepared",
        "test_it.py::test_fails",
        "test_it.py::test_segfault",
        "test_it.py::test_crash",
    ], run.output
    assert run.closing_line == "1 failed, 1 passed, 1 segfault, 1 crash"
