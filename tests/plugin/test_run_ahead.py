"""Tests that a shared child runs by itself, before the pytest process has reported the ones before them."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.run.children import MOST_AHEAD
from tests.plugin.conftest import RunSuite, SuiteRun

ALONE: Final = ("--foreign-thread-jvm=none", "--foreign-thread-isolation=session")
SUITE: Final = """
    import os
    import threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="native")

    @pytest.mark.parametrize("number", range(40))
    def test_it(number):
        with open("bodies", "a") as file:
            file.write(f"{number}\\n")
        if os.path.exists(f"fifo-{number}"):
            os.close(os.open(f"fifo-{number}", os.O_WRONLY))
        if number == 5:
            BREAK
"""
WAITS_AND_STOPS: Final = """
    import os

    def pytest_collection_finish(session):
        global SESSION
        SESSION = session
        os.mkfifo("fifo-LAST")

    def pytest_runtest_logreport(report):
        if report.when == "teardown" and report.nodeid.endswith("[1]"):
            os.close(os.open("fifo-LAST", os.O_RDONLY))
            SESSION.shouldstop = "enough"
"""


def bodies(ran: SuiteRun) -> list[int]:
    return [int(line) for line in (ran.folder / "bodies").read_text().split()]


@pytest.mark.parametrize(
    ("breaks", "options", "closing"),
    [
        ("assert 0", ("-x",), "1 failed, 5 passed"),
        ("assert 0", ("--maxfail=1",), "1 failed, 5 passed"),
        ("pytest.exit('enough')", (), "5 passed"),
        ("os._exit(3)", ("-x", "--foreign-thread-bisect=0"), "5 passed, 1 crash"),
    ],
    ids=["x", "maxfail", "exit", "crash"],
)
def test_no_body_runs_after_one_that_did_not_pass(
    run_suite: RunSuite, breaks: str, options: tuple[str, ...], closing: str
) -> None:
    ran = run_suite(SUITE.replace("BREAK", breaks), *ALONE, *options)
    # A crash is repeated in a child of its own.
    assert list(dict.fromkeys(bodies(ran))) == list(range(6))
    assert ran.closing_line == closing or closing in ran.output


@pytest.mark.parametrize(("options", "most"), [((), MOST_AHEAD), (("-s",), 1)], ids=["captured", "shown"])
def test_a_run_that_stops_names_the_tests_that_ran_ahead(
    run_suite: RunSuite, options: tuple[str, ...], most: int
) -> None:
    last = 1 + min(most, 4)
    conftest = WAITS_AND_STOPS.replace("LAST", str(last))
    ran = run_suite({"conftest.py": conftest, "test_it.py": SUITE.replace("BREAK", "pass")}, *ALONE, *options)
    ahead = bodies(ran)[2:]
    assert ahead == list(range(2, 2 + len(ahead)))
    assert last - 1 <= len(ahead) <= most
    assert ran.closing_line == "2 passed, 1 warning"
    names = ", ".join(f"test_it.py::test_it[{number}]" for number in ahead)
    assert f"{len(ahead)} test(s) ran ahead of their turn and are not reported: {names}\n" in ran.output


def test_the_next_test_of_one_that_left_something_has_a_new_child(run_suite: RunSuite) -> None:
    suite = SUITE.replace("BREAK", "os.environ['LEFT'] = 'x'").replace('mode="native"', 'mode="main"')
    suite = suite.replace('file.write(f"{number}\\n")', "print(os.getpid(), file=file)")
    ran = run_suite(suite, "--foreign-thread-jvm=none", "--foreign-thread-isolation=auto")
    assert ran.closing_line == "40 passed"
    pids = bodies(ran)
    assert len(set(pids[:6])) == 1
    assert len(set(pids[6:])) == 1
    assert pids[5] != pids[6]


INTERRUPTS: Final = """
    import os
    import signal
    from pytest_foreignthread.supervise.watch import Watch

    watch = Watch.until_end

    def interrupted(self):
        # The child has begun the sixth test, and the pytest process watches the third.
        if os.path.exists("fifo-5") and getattr(interrupted, "third", False):
            os.close(os.open("fifo-5", os.O_RDONLY))
            raise KeyboardInterrupt
        return watch(self)

    Watch.until_end = interrupted

    def pytest_collection_finish():
        os.mkfifo("fifo-5")

    def pytest_runtest_logreport(report):
        interrupted.third = report.when == "teardown" and report.nodeid.endswith("[1]")
"""


def test_an_interrupt_names_the_tests_that_ran_ahead(run_suite: RunSuite) -> None:
    suite = SUITE.replace("BREAK", "threading.Event().wait()")
    ran = run_suite({"conftest.py": INTERRUPTS, "test_it.py": suite}, *ALONE)
    assert "KeyboardInterrupt" in ran.output
    names = ", ".join(f"test_it.py::test_it[{number}]" for number in (3, 4, 5))
    assert f"3 test(s) ran ahead of their turn and are not reported: {names}\n" in ran.output
