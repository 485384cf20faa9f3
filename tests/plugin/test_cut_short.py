"""A test that was started has one entry in the report, also where the run or an xdist worker ends amid the test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS, RunSuite, run_suite_in

PRELUDE: Final = """
    import os, pathlib, signal, threading, time
    import pytest

    def foreign(**arguments):
        return pytest.mark.foreign_thread(mode="main", timeout=600, **arguments)

    def worker():
        with open(f"/proc/{os.getppid()}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[1])

    def kill(pid, number=signal.SIGKILL):
        os.kill(pid, number)

    def let_worker_read(request):
        # The mark of the body's begin comes through a pipe.
        log = pathlib.Path(request.config.workerinput["foreign_thread_started"])
        while b'"phase": "call"' not in log.read_bytes().splitlines()[-1]:
            time.sleep(0.001)

    def wait():
        threading.Event().wait()

    @foreign()
    def test_first():
        pass
"""
LAST: Final = """
    @foreign()
    def test_last():
        pass

    def test_ordinary():
        pass
"""


def suite(body: str) -> str:
    return "\n".join(map(textwrap.dedent, (PRELUDE, body, LAST)))


def entries(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["nodeid"].partition("::")[2], entry["outcome"]) for entry in document["tests"]]


STOPS: Final = {
    "interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "interrupt with words": ("raise KeyboardInterrupt('in words')", "KeyboardInterrupt: in words"),
    "exit": ("pytest.exit('enough')", "pytest.exit: enough"),
    "exit with a status": ("pytest.exit('enough', returncode=7)", "pytest.exit: enough"),
}


@pytest.mark.parametrize(("body", "words"), STOPS.values(), ids=STOPS)
# The others are these without words and status.
@pytest.mark.by_default("interrupt with words", "exit with a status")
def test_a_body_that_ends_the_run(run_suite: RunSuite, body: str, words: str) -> None:
    isolation = "session" if "words" in body else "test"
    ran = run_suite(suite(f"@foreign()\ndef test_stops():\n    {body}\n"), f"--foreign-thread-isolation={isolation}")
    assert entries(ran.document) == [("test_first", "passed"), ("test_stops", "error")]
    stopped = ran.tests["test_stops"]
    # pytest says where the KeyboardInterrupt was raised.
    assert stopped["message"].startswith(f"the run ended before the test did: {words}")
    assert (stopped["phase"], stopped["duration"] > 0) == ("call", True)


@pytest.mark.parametrize("where", ["setup", "teardown"])
# A body ends it above.
@pytest.mark.by_default("teardown")
def test_a_fixture_that_ends_the_run(run_suite: RunSuite, where: str) -> None:
    steps = "pytest.exit('enough'); yield" if where == "setup" else "yield; pytest.exit('enough')"
    fixture = f"@pytest.fixture\ndef stops():\n    {steps}\n"
    ran = run_suite(suite(fixture + "@foreign()\ndef test_stops(stops):\n    pass\n"))
    assert entries(ran.document) == [("test_first", "passed"), ("test_stops", "error")]
    assert ran.tests["test_stops"]["phase"] == where


def test_a_plugin_that_ends_the_run_while_the_reports_are_logged(run_suite: RunSuite) -> None:
    """Before this plugin saw them, and after it did."""
    conftest = """
        import pytest

        @pytest.hookimpl(tryfirst={first})
        def pytest_runtest_logreport(report):
            if "stops" in report.nodeid and report.when == "teardown":
                pytest.exit("enough")
    """
    for first in (True, False):
        source = suite("@foreign()\ndef test_stops():\n    pass\n")
        ran = run_suite({"test_it.py": source, "conftest.py": conftest.format(first=first)})
        assert entries(ran.document) == [("test_first", "passed"), ("test_stops", "passed")]


def test_a_run_that_stops_at_a_failure(run_suite: RunSuite) -> None:
    """A shared child may have begun the next test."""
    body = "@foreign()\ndef test_fails():\n    assert False\n"
    for isolation in ("test", "session"):
        ran = run_suite(suite(body), "-x", f"--foreign-thread-isolation={isolation}")
        assert entries(ran.document) == [("test_first", "passed"), ("test_fails", "failed")]


def test_a_test_that_was_cut_short_says_nothing_of_its_mode(run_suite: RunSuite) -> None:
    body = """
        import pytest

        def test_stops(request):
            if "new" in request.node.name:
                pytest.exit("enough")
    """
    ran = run_suite(body, "--foreign-thread-all", "--foreign-thread-modes=main,new")
    assert entries(ran.document) == [("test_stops[main]", "passed"), ("test_stops[new]", "error")]
    (row,) = ran.document["matrix"]["rows"]
    assert (row["verdict"], list(row["cells"])) == ("unknown", ["main"])


WAYS: Final = {
    "killed": "kill(worker())",
    "terminated": "kill(worker(), signal.SIGTERM)",
    "keeper stopped": "kill(os.getppid(), signal.SIGSTOP); kill(worker())",
    "keeper and child stopped": "pid = worker(); kill(os.getppid(), signal.SIGSTOP); kill(pid); kill(os.getpid(), 19)",
}


@pytest.mark.parametrize(("way", "isolation"), [*zip(WAYS.values(), ["test", "session"] * 2, strict=True)], ids=WAYS)
# The others are between these.
@pytest.mark.by_default("killed", "keeper and child stopped")
def test_a_worker_that_is_killed(run_suite: RunSuite, way: str, isolation: str) -> None:
    ran = run_suite(
        suite(f"@foreign()\ndef test_kills(request):\n    let_worker_read(request); {way}\n    wait()\n"),
        *("-n1", f"--foreign-thread-isolation={isolation}"),
    )
    assert entries(ran.document) == [("test_first", "passed"), ("test_kills", "error"), ("test_last", "passed")]
    killed = ran.tests["test_kills"]
    assert killed["message"] == "xdist's worker 'gw0' ended before the test did"
    assert (killed["phase"], killed["mode"], killed["jvm"]) == ("call", "main", False)
    assert killed["rerun"] == ["test_it.py::test_kills"]


@pytest.mark.parametrize("isolation", ["test", "session"])
# A shared child outlives its tests; one of its own is gone when the ordinary test begins.
@pytest.mark.by_default("session")
def test_a_worker_that_is_killed_amid_an_ordinary_test(run_suite: RunSuite, isolation: str) -> None:
    body = "def test_kills():\n    kill(os.getpid())\n"
    ran = run_suite(suite(body), "-n1", f"--foreign-thread-isolation={isolation}")
    assert entries(ran.document) == [("test_first", "passed"), ("test_last", "passed")]


@pytest.mark.parametrize("before", ["@foreign()\n", ""], ids=["foreign", "ordinary"])
def test_a_worker_that_is_killed_before_its_next_test_begins(run_suite: RunSuite, before: str) -> None:
    """xdist reports that test, so that it has an entry."""
    conftest = """
        import os, pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            if item.name == "test_next":
                os.kill(os.getpid(), 9)
            return (yield)
    """
    body = f"{before}def test_before():\n    pass\n\n@foreign()\ndef test_next():\n    pass\n"
    ran = run_suite({"test_it.py": suite(body), "conftest.py": conftest}, "-n1")
    earlier = [("test_first", "passed"), *([("test_before", "passed")] if before else [])]
    assert entries(ran.document) == [*earlier, ("test_next", "error"), ("test_last", "passed")]
    assert ran.tests["test_next"]["message"] == "xdist's worker 'gw0' ended before the test began"


def test_the_first_test_of_a_run_whose_only_worker_is_killed(run_suite: RunSuite) -> None:
    body = "@foreign()\ndef test_kills():\n    kill(worker())\n    wait()\n"
    ran = run_suite(suite(body), "-n1", "--max-worker-restart=0", "-k", "kills or last")
    assert entries(ran.document) == [("test_kills", "error")]


@pytest.mark.parametrize("body", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
# `test_a_body_that_ends_the_run` has both, without a worker.
@pytest.mark.by_default("pytest.exit('enough')")
def test_a_body_that_ends_its_worker(run_suite: RunSuite, body: str) -> None:
    ran = run_suite(suite(f"@foreign()\ndef test_stops():\n    {body}\n"), "-n1", "--max-worker-restart=0")
    assert entries(ran.document)[:2] == [("test_first", "passed"), ("test_stops", "error")]
    assert len(ran.document["tests"]) == len(ran.tests)
    assert ran.tests["test_stops"]["message"].startswith("the run ended before the test did: ")


def test_an_interrupt_of_the_user_under_xdist(run_suite: RunSuite) -> None:
    """The controller is interrupted alone, and hears no more of its worker."""
    body = """
        @foreign()
        def test_interrupts():
            pid = worker()
            with open(f"/proc/{pid}/stat") as file:
                controller = int(file.read().rpartition(")")[2].split()[1])
            kill(controller, signal.SIGINT)
            wait()
    """
    ran = run_suite(suite(body), "-n1")
    assert entries(ran.document) == [("test_first", "passed"), ("test_interrupts", "error")]
    assert ran.tests["test_interrupts"]["message"] == "the run ended before the test did"


ORPHAN: Final = """
    @foreign()
    def test_leaves():
        keeper, pid = os.getppid(), worker()
        if os.fork() == 0:
            os.setsid()
            kill(pid, signal.SIGSTOP)
            pathlib.Path("orphan").write_text(str(os.getpid()))
            kill(keeper)
            kill(pid)
            wait()
        wait()
"""


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "orphan"
    yield path
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(path.read_text()), signal.SIGKILL)


def test_a_process_that_nobody_can_kill_does_not_hold_up_the_controller(tmp_path: Path, orphan: Path) -> None:
    """It was forked by the test, and has all that the worker had open."""
    (tmp_path / "test_it.py").write_text(suite(ORPHAN))
    command = run_command("-n1", "--max-worker-restart=0", "--foreign-thread-report=report.json")
    with (tmp_path / "output").open("w") as output:
        environment = {**os.environ, **FEW_PLUGINS}
        subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=output, timeout=ENDLESS, check=False
        )
    os.kill(int(orphan.read_text()), 0)
    assert ("test_leaves", "error") in entries(json.loads((tmp_path / "report.json").read_text()))


def test_each_worker_of_a_run_has_entries_of_its_own(tmp_path: Path) -> None:
    body = "@foreign()\ndef test_kills():\n    kill(worker())\n    wait()\n"
    ran = run_suite_in(tmp_path, suite(body), "-n2", "--dist=each", "--max-worker-restart=0")
    assert sorted(entries(ran.document))[:3] == [("test_first", "passed")] * 2 + [("test_kills", "error")]


DAMAGES: Final = """
    import os
    import pytest

    def pytest_configure(config):
        config.worker = os.getpid() if hasattr(config, "workerinput") else None

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(config, report):
        data = yield
        damaged = report.nodeid.partition("::test_")[2] == report.when
        if damaged and config.worker == os.getpid():
            data["foreign_thread"] = {"outcome": "nope"}
        return data
"""
DAMAGED: Final = """
    import pytest
    pytestmark = pytest.mark.foreign_thread(mode="main")
    def test_setup(): pass
    def test_call(): pass
    def test_teardown(): pass
    def test_whole(): pass
"""


def test_report_that_a_worker_damaged_is_no_pass_in_the_json_either(run_suite: RunSuite) -> None:
    run = run_suite({"conftest.py": DAMAGES, "test_it.py": DAMAGED}, "-n1", "-p", "no:cacheprovider")
    assert run.outcomes == {
        "test_setup": "error",
        "test_call": "failed",
        "test_teardown": "error",
        "test_whole": "passed",
    }
    for name in ("setup", "call", "teardown"):
        entry = run.tests[f"test_{name}"]
        assert entry["phase"] == name
        assert "an xdist worker sent a report that pytest-foreignthread cannot accept" in entry["message"]
    assert "1 failed, " in run.closing_line
    assert "2 errors" in run.closing_line
