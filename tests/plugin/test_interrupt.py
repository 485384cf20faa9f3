"""A run that is interrupted or killed leaves no process, no scratch file, and keeps what it knows."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS, run_suite_in

SUITE: Final = """
    import json, os, pathlib, signal, subprocess, sys, threading, time
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode=MODE, timeout=600)

    def below(pid):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal() and parent(name) == pid]

    def parent(pid):
        try:
            with open(f"/proc/{pid}/stat") as file:
                return int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            return None

    def ready():
        # The keepers of other children of this run, and these; a keeper may be about to fork its own.
        keepers = [pid for pid in below(parent(os.getppid())) if pid != os.getppid()]
        return [*keepers, *(child for keeper in keepers for child in below(keeper))]

    @pytest.fixture(scope="session")
    def wide():
        yield
        tear_down("wide")

    @pytest.fixture
    def narrow(wide):
        yield
        tear_down("narrow")

    def tear_down(name):
        with open("torn_down", "a") as file:
            print(name, file=file)
        if name == "narrow":
            TEARDOWN

    def test_first():
        pass

    # Because of the mark no child runs the test ahead of its turn, so that the pytest process watches the test.
    @pytest.mark.skipif(False, reason="")
    def test_sleeps(narrow):
        WAIT
        pathlib.Path(f"/tmp/.java_pid{os.getpid()}").touch()
        sleep = [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"]
        far = subprocess.Popen(sleep, start_new_session=True)
        near = subprocess.Popen(sleep)
        with open("reached", "w") as reached:
            reached.write(json.dumps([os.getppid(), os.getpid(), far.pid, near.pid, *ready()]) + "\\n")
        threading.Event().wait()

    def test_never():
        pass
"""

AHEAD: Final = """
import threading

def pytest_runtest_logstart(nodeid):
    if nodeid.endswith("::test_sleeps"):
        open("reported", "w").close()
        threading.Event().wait()
"""
"""A conftest.py that keeps the pytest process from watching the second test, which a child runs ahead of its turn.

`reported` is a FIFO, from which the second test reads until the reports of the first one are written.
"""

NOTICE: Final = "interrupted: the fixtures of test_it.py::test_sleeps are torn down; ^C again ends the test's process"

# Which phase it is depends on what the child had said when the interrupt came.
WORDS: Final = r"! KeyboardInterrupt: test_it.py::test_sleeps has run for \d+\.\d s, and is in its phase \w+ !"


@dataclass
class Interrupted:
    """A run of pytest whose second test has started two processes and waits for ever."""

    process: subprocess.Popen[str]
    folder: Path
    pids: list[int]
    """Keeper, child, two processes of the test, one in a session of its own, and the children that are ready."""
    pidfds: list[int] = field(default_factory=list)

    def end(self) -> tuple[int, str]:
        """Wait for pytest; return its exit status and output."""
        output, _ = self.process.communicate(timeout=ENDLESS)
        return self.process.returncode, output

    def living(self, seconds: float = 0.0) -> int:
        """How many of the processes live after so many seconds at most."""
        give_up = time.monotonic() + seconds
        return sum(not _readable(fd, max(0.0, give_up - time.monotonic())) for fd in self.pidfds)

    def scratch(self) -> list[str]:
        """What is left in the temporary folder, but for what pytest itself keeps there under xdist."""
        return [path.name for path in (self.folder / "tmp").iterdir() if not path.name.startswith("pytest-of-")]

    def torn_down(self) -> list[str]:
        """The fixtures that were torn down, in their order."""
        file = self.folder / "torn_down"
        return file.read_text().split() if file.exists() else []

    @property
    def tests(self) -> dict[str, str]:
        document: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return {entry["nodeid"].partition("::")[2]: entry["outcome"] for entry in document["tests"]}

    def java_files(self) -> list[Path]:
        return [path for pid in self.pids if (path := Path(f"/tmp/.java_pid{pid}")).exists()]

    def close(self) -> None:
        for fd in self.pidfds:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.close(fd)
        for path in self.java_files():
            path.unlink()
        self.process.kill()
        self.process.communicate(timeout=ENDLESS)


def _readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


Start = Callable[..., Interrupted]


def pytest_process(folder: Path, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        run_command("-v", "--foreign-thread-report=report.json", *args),
        cwd=folder,
        env={**os.environ, **FEW_PLUGINS, "PY_COLORS": "0", "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A process group of its own, as a job at a terminal has it.
        start_new_session=True,
    )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Interrupted] = []

    def start_one(*args: str, mode: str = "new", ahead: bool = False, teardown: str = "pass") -> Interrupted:
        (tmp_path / "tmp").mkdir()
        suite = SUITE.replace('    @pytest.mark.skipif(False, reason="")\n', "") if ahead else SUITE
        suite = suite.replace("WAIT", 'open("reported").close()' if ahead else "").replace("TEARDOWN", teardown)
        (tmp_path / "test_it.py").write_text(textwrap.dedent(suite).replace("MODE", repr(mode)))
        (tmp_path / "conftest.py").write_text(AHEAD if ahead else "")
        os.mkfifo(tmp_path / "reached")
        os.mkfifo(tmp_path / "reported")
        fifo = os.open(tmp_path / "reached", os.O_RDWR | os.O_NONBLOCK)
        runs.append(run := Interrupted(pytest_process(tmp_path, *args), tmp_path, []))
        if not _readable(fifo, ENDLESS):
            run.process.kill()
            pytest.fail(f"the body was not reached: {run.process.communicate()[0]}")
        run.pids += json.loads(os.read(fifo, 4096))
        os.close(fifo)
        run.pidfds += [os.pidfd_open(pid) for pid in run.pids]
        return run

    yield start_one
    for run in runs:
        run.close()


CHILDREN: Final = {
    "none ready": ("--foreign-thread-ready=0",),
    "one ready": ("--foreign-thread-ready=2",),
    "shared": ("--foreign-thread-isolation=session",),
}
by_children: Final = pytest.mark.parametrize("args", CHILDREN.values(), ids=CHILDREN)


@by_children
def test_interrupt(start: Start, args: tuple[str, ...]) -> None:
    run = start(*args)
    assert run.living() == len(run.pids) >= (5 if "ready=2" in args[0] else 4)
    run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), run.java_files()) == (0, [], [])
    assert status == pytest.ExitCode.INTERRUPTED
    assert re.search(WORDS, output)
    assert "test_it.py::test_first PASSED" in output
    assert re.search(
        r"(?m): KeyboardInterrupt: test_it.py::test_sleeps has run for \d+\.\d s, and is in its phase \w+$", output
    )
    assert "= 1 passed in " in output
    assert run.tests == {"test_first": "passed", "test_sleeps": "error"}
    assert run.torn_down() == ["narrow", "wide"]


@pytest.mark.parametrize("mode", ["main", "native"])
def test_interrupt_without_a_jvm(start: Start, mode: str) -> None:
    run = start(mode=mode)
    run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), status) == (0, [], pytest.ExitCode.INTERRUPTED)
    assert run.torn_down() == ["narrow", "wide"]
    # The body on a foreign thread gets no KeyboardInterrupt: the child waits for the body for a while.
    assert (NOTICE in output) == (mode != "main")


TEARDOWNS: Final = {
    "raises": ('raise OSError("kept")', "OSError: kept"),
    "dies": ("os.abort()", "killed by SIGABRT"),
    "exits": ("os._exit(3)", "exited with status 3"),
    "lasts": ("threading.Event().wait()", "it took longer than 5 s"),
}


@pytest.mark.parametrize(("teardown", "words"), TEARDOWNS.values(), ids=TEARDOWNS)
def test_a_teardown_after_an_interrupt_that_fails_is_a_warning(start: Start, teardown: str, words: str) -> None:
    run = start(mode="main", teardown=teardown)
    run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), status) == (0, [], pytest.ExitCode.INTERRUPTED)
    assert f"the teardown of test_it.py::test_sleeps after ^C failed: {words}" in output


def test_interrupt_during_rounds(start: Start) -> None:
    run = start("--foreign-thread-stress=3", mode="native")
    run.process.send_signal(signal.SIGINT)
    status, _ = run.end()
    assert (run.living(), run.scratch(), status) == (0, [], pytest.ExitCode.INTERRUPTED)
    assert run.torn_down() == ["narrow", "wide"]


def test_interrupt_while_a_child_runs_the_next_test_ahead(start: Start) -> None:
    run = start("--foreign-thread-isolation=session", ahead=True)
    run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), run.java_files()) == (0, [], [])
    assert status == pytest.ExitCode.INTERRUPTED
    assert "= 1 passed in " in output
    assert run.tests == {"test_first": "passed", "test_sleeps": "error"}


def test_interrupt_at_the_terminal(start: Start) -> None:
    """^C goes to the whole process group."""
    run = start()
    os.killpg(run.process.pid, signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), run.java_files()) == (0, [], [])
    assert status == pytest.ExitCode.INTERRUPTED
    assert re.search(WORDS, output)


@by_children
# `test_interrupt` has one interrupt with each kind of children.
@pytest.mark.by_default("one ready")
def test_an_impatient_user(start: Start, args: tuple[str, ...]) -> None:
    """The second ^C may cut short what pytest writes, but not the clearing up."""
    run = start(*args, mode="python")
    run.process.send_signal(signal.SIGINT)
    run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert (run.living(), run.scratch(), run.java_files()) == (0, [], [])
    assert status != 0
    assert "KeyboardInterrupt" in output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("args", [*CHILDREN.values(), ("-n2", "--foreign-thread-ready=1")], ids=[*CHILDREN, "xdist"])
# Each kind of children, and each signal.
@pytest.mark.by_default("none ready-15", "one ready-9", "shared-15", "xdist-9")
def test_a_killed_run_leaves_no_process(start: Start, args: tuple[str, ...], number: signal.Signals) -> None:
    """Nor does it leave files: the last keeper removes them. A worker of xdist was not killed, and ends by itself."""
    # An xdist worker's children end as others do.
    run = start(*args, mode="python" if "-n2" in args else "new")
    assert run.scratch() != []
    run.process.send_signal(number)
    status, _ = run.end()
    assert status == -number
    assert run.living(ENDLESS) == 0
    give_up = time.monotonic() + ENDLESS
    while args[0] == "-n2" and run.scratch() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert (run.scratch(), run.java_files()) == ([], [])


def test_a_killed_run_between_two_tests_leaves_no_file(tmp_path: Path) -> None:
    """No process of it lives then that could remove them. The folder of a run that is killed is made anew for each."""
    body = """
        import os, signal
        import pytest

        @pytest.mark.forked
        def test_foreign(): pass

        def test_ordinary(): os.kill(os.getpid(), signal.SIGKILL)
    """
    (tmp_path / "tmp").mkdir()
    (tmp_path / "test_it.py").write_text(textwrap.dedent(body))
    process = pytest_process(tmp_path, "--foreign-thread-ready=0", "-p", "no:cacheprovider")
    output, _ = process.communicate(timeout=ENDLESS)
    assert process.returncode == -signal.SIGKILL
    assert "test_foreign PASSED" in output
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("whole_group", [False, True], ids=["controller", "group"])
# As a terminal does; test_cut_short.py interrupts the controller alone.
@pytest.mark.by_default("group")
def test_interrupt_under_xdist(start: Start, whole_group: bool) -> None:
    run = start("-n2", mode="python")
    if whole_group:
        os.killpg(run.process.pid, signal.SIGINT)
    else:
        run.process.send_signal(signal.SIGINT)
    status, output = run.end()
    assert run.living(ENDLESS) == 0
    assert (run.scratch(), run.java_files()) == ([], [])
    assert status == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in output


def test_a_body_that_interrupts_the_main_thread(tmp_path: Path) -> None:
    """Python runs handlers of signals on the main thread only: the test fails there, and the run goes on."""
    body = """
        import signal
        import pytest

        @pytest.mark.foreign_thread(mode=["main", "same", "new", "python"])
        def test_sigint():
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    """
    run = run_suite_in(tmp_path, {"test_it.py": textwrap.dedent(body)})
    assert run.outcomes == {
        "test_sigint[main]": "passed",
        "test_sigint[same]": "passed",
        "test_sigint[new]": "failed",
        "test_sigint[python]": "failed",
    }
    assert "KeyboardInterrupt on the main thread, which runs the handlers of signals" in run.output
