"""The live line of a run on a terminal, and that nothing of it is anywhere else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ..run_command import FEW_PLUGINS, run_command
from ..terminals import ENDLESS, Terminal
from .conftest import RunSuite

OURS: Final = re.compile(r"\x1b7.*?\x1b8|\x1bD\x1b\[A|\x1b\[J", re.DOTALL)
RESERVED: Final = re.compile(r"\x1b\[1;\d+r")
RELEASED: Final = "\x1b[r"
TIMES: Final = re.compile(r" in \d+\.\d+s|0x[0-9a-f]+|=+")


@dataclass
class Watched:
    """A run of pytest on a terminal."""

    terminal: Terminal
    process: subprocess.Popen[bytes]
    folder: Path
    events: dict[str, int]
    """FIFOs for which tests wait, by name."""

    def end(self) -> int:
        return self.terminal.end_of(self.process)

    def until_bottom(self, pattern: str) -> None:
        self.terminal.until(lambda: re.search(pattern, self.terminal.bottom) is not None)

    def release(self, name: str = "go") -> None:
        os.write(self.events[name], b"go\n")

    @property
    def written(self) -> str:
        return self.terminal.written.decode()

    @property
    def of_pytest(self) -> str:
        """What is left without the line."""
        return OURS.sub("", self.written).replace("\r\n", "\n")


Watch = Callable[..., Watched]


def fifo(path: Path) -> int:
    """Make one that is open at both ends, so that neither waits for the other."""
    os.mkfifo(path)
    return os.open(path, os.O_RDWR)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    runs: list[Watched] = []

    def start(files: dict[str, str], *args: str, columns: int = 100, rows: int = 24, **environment: str) -> Watched:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
        events = {name: fifo(folder / name) for name in ("go", "go_too")}
        inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        command = run_command("-p", "no:cacheprovider", "--foreign-thread-timeout=1000", *args)
        terminal = Terminal(columns, rows)
        process = terminal.start(
            command, folder, {**inherited, **FEW_PLUGINS, "TERM": "xterm", "LANG": "C.UTF-8", **environment}
        )
        runs.append(run := Watched(terminal, process, folder, events))
        return run

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait(ENDLESS)
        run.terminal.close()
        for event in run.events.values():
            os.close(event)


# What CI and the run that these tests are part of would tell the run on the terminal.
LEFT_OUT: Final = {"CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "PYTEST_ADDOPTS"}

WAITS: Final = """
import pytest
pytestmark = pytest.mark.foreign_thread

@pytest.mark.parametrize("number", range(3))
def test_sum(number):
    assert number != 1

def test_waits(request):
    with (request.path.parent / "go").open() as go:
        go.readline()

def test_last():
    pass
"""
MODES: Final = "--foreign-thread-modes=main"


def test_a_line_below_what_pytest_writes(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_bottom(r"^ 3/5  passed 2  failed 1 \| test_it\.py::test_waits\[main\] [1-9].* (s|min)$")
    (progress,) = [line for line in run.terminal.lines if line.startswith("test_it.py ")]
    assert progress == "test_it.py .F."
    assert not run.terminal.whole_screen_scrolls()
    run.release()
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert run.terminal.whole_screen_scrolls()
    lines = run.terminal.lines
    assert (
        "test_it.py .F...                                                                             [100%]" in lines
    )
    assert any(re.fullmatch(r"=+ 1 failed, 4 passed in .* =+", line) for line in lines)
    assert not any("/5  passed" in line for line in lines)


def test_pytests_own_output_is_what_it_is_without_the_line(watch: Watch) -> None:
    run, plain = (watch({"test_it.py": WAITS}, MODES, *more) for more in ((), ("-o", "foreign_thread_live=off")))
    for one in (run, plain):
        one.release()
        assert one.end() == pytest.ExitCode.TESTS_FAILED
    assert OURS.search(run.written)
    assert not OURS.search(plain.written)
    first, second = (TIMES.sub("", one.of_pytest.replace(str(one.folder), "")) for one in (run, plain))
    assert first == second


@pytest.mark.parametrize("colours", [True, False])
# The tests above have no colours.
@pytest.mark.by_default("True")
def test_colours(watch: Watch, colours: bool) -> None:
    run = watch({"test_it.py": WAITS}, MODES, **({} if colours else {"NO_COLOR": "1"}))
    run.until_bottom(r"failed 1")
    screen = run.terminal.screen
    place = run.terminal.bottom.index("failed")
    assert screen.buffer[screen.lines - 1][place].fg == ("red" if colours else "default")
    run.release()
    run.end()


def test_interrupt_at_the_terminal(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_bottom("test_waits")
    run.terminal.type("\x03")
    assert run.end() == pytest.ExitCode.INTERRUPTED
    assert run.terminal.whole_screen_scrolls()
    assert any("! KeyboardInterrupt !" in line for line in run.terminal.lines)
    assert not any("/5  passed" in line for line in run.terminal.lines)


def test_a_usage_error_in_the_midst(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--foreign-thread-jvm-args=-XX:+NoSuchFlag")
    assert run.end() == pytest.ExitCode.USAGE_ERROR
    assert RESERVED.search(run.written)
    assert run.terminal.whole_screen_scrolls()
    assert any(line.startswith("ERROR: the JVM did not start") for line in run.terminal.lines)
    assert not any("0/5" in line for line in run.terminal.lines)


def test_another_size_while_a_test_runs(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_bottom("test_waits")
    for columns, rows in ((70, 14), (100, 30)):
        run.terminal.resize(columns, rows)
        run.until_bottom(r"^ 3/5  passed 2  failed 1 \| test_it\.py::test_waits\[main\]")
        assert sum("3/5" in line for line in run.terminal.lines) == 1
    run.release()
    run.end()
    assert run.terminal.whole_screen_scrolls()
    assert not any("3/5" in line for line in run.terminal.lines)


TWO: Final = """
import pytest
pytestmark = pytest.mark.foreign_thread

def test_waits(request):
    (request.path.parent / "go").open().readline()

def test_waits_too(request):
    (request.path.parent / "go_too").open().readline()
"""


def test_workers_of_xdist(watch: Watch) -> None:
    run = watch({"test_it.py": TWO}, MODES, "-n2")
    run.until_bottom(r"^ 0/2 \| 2 running: test_it\.py::test_waits")
    run.release("go_too")
    run.until_bottom(r"^ 1/2  passed 1 \| test_it\.py::test_waits\[main\]")
    run.release()
    assert run.end() == pytest.ExitCode.OK
    assert run.terminal.whole_screen_scrolls()
    assert any("2 passed" in line for line in run.terminal.lines)


# Ordinary tests of a run with a matrix: they need no JVM.
ENDS: Final[dict[str, tuple[str, str, int, str]]] = {
    "all pass": ("pass", "", pytest.ExitCode.OK, "2 passed"),
    "pytest.exit": ("pytest.exit('enough', 7)", "", 7, "Exit: enough"),
    "interrupt": ("os.kill(os.getpid(), signal.SIGINT)", "", pytest.ExitCode.INTERRUPTED, "KeyboardInterrupt !"),
    "stop": ("assert False", "", pytest.ExitCode.TESTS_FAILED, "stopping after 1 failures"),
    "internal error": (
        "pass",
        "def pytest_runtest_logfinish(): raise RuntimeError('in a hook')",
        pytest.ExitCode.INTERNAL_ERROR,
        "INTERNALERROR> RuntimeError: in a hook",
    ),
    "usage error": (
        "pass",
        "import pytest\ndef pytest_runtest_logfinish(): raise pytest.UsageError('in a hook')",
        pytest.ExitCode.USAGE_ERROR,
        "ERROR: in a hook",
    ),
}


@pytest.mark.parametrize("way", ENDS)
# The others end as these do.
@pytest.mark.by_default("all pass", "interrupt", "internal error")
def test_the_screen_is_whole_again(watch: Watch, way: str) -> None:
    body, conftest, status, words = ENDS[way]
    test = f"import os, signal, pytest\ndef test_first(): {body}\ndef test_second(): pass\n"
    run = watch({"test_it.py": test, "conftest.py": conftest}, "--foreign-thread-matrix", "-x")
    assert run.end() == status
    before, _, after = run.written.rpartition(RELEASED)
    assert RESERVED.search(before)
    assert words not in before
    assert words in after
    assert run.terminal.whole_screen_scrolls()
    assert not any("/2" in line for line in run.terminal.lines)


def test_the_debugger_has_the_whole_screen(watch: Watch) -> None:
    test = "def test_stops():\n    breakpoint()\ndef test_last(): pass\n"
    run = watch({"test_it.py": test}, "--foreign-thread-matrix")
    run.terminal.until(lambda: any("(Pdb)" in line for line in run.terminal.lines))
    assert run.terminal.whole_screen_scrolls()
    assert not any("/2" in line for line in run.terminal.lines)
    run.terminal.type("c\n")
    assert run.end() == pytest.ExitCode.OK
    assert len(RESERVED.findall(run.written)) == 2
    assert run.terminal.whole_screen_scrolls()


PLAIN: Final = "def test_first(): pass\n"
NOT_SHOWN: Final[dict[str, tuple[tuple[str, ...], dict[str, str]]]] = {
    "no matrix": ((), {}),
    "off": (("--foreign-thread-matrix", "--foreign-thread-live=off"), {}),
    "capture": (("--foreign-thread-matrix", "-s"), {}),
    "very quiet": (("--foreign-thread-matrix", "-qq"), {}),
    "collection": (("--foreign-thread-matrix", "--co"), {}),
    "no terminal plugin": (("--foreign-thread-matrix", "-p", "no:terminal"), {}),
    "dumb": (("--foreign-thread-matrix",), {"TERM": "dumb"}),
    "ci": (("--foreign-thread-matrix",), {"CI": "true"}),
}


@pytest.mark.parametrize("why", NOT_SHOWN)
# The others are decided in one place with these, before a test runs.
@pytest.mark.by_default("capture", "dumb", "no matrix", "off")
def test_not_shown(watch: Watch, why: str) -> None:
    args, environment = NOT_SHOWN[why]
    run = watch({"test_it.py": PLAIN}, *args, **environment)
    assert run.end() == pytest.ExitCode.OK
    assert "\x1b7" not in run.written
    assert not RESERVED.search(run.written)


@pytest.mark.parametrize("quiet", [(), ("-q",), ("-v",)], ids=["as it is", "quiet", "verbose"])
def test_shown(watch: Watch, quiet: tuple[str, ...]) -> None:
    run = watch({"test_it.py": PLAIN}, "--foreign-thread-matrix", *quiet)
    assert run.end() == pytest.ExitCode.OK
    assert RESERVED.search(run.written)


MANY: Final = """
import pytest

@pytest.mark.foreign_thread
@pytest.mark.parametrize("number", range({}))
@pytest.mark.skip
def test_it(number): pass
"""


@pytest.mark.parametrize(("number", "shown"), [(20, False), (21, True)])
def test_many_tests_without_a_matrix(watch: Watch, number: int, shown: bool) -> None:
    run = watch({"test_it.py": MANY.format(number)})
    assert run.end() == pytest.ExitCode.OK
    assert bool(RESERVED.search(run.written)) is shown


def test_a_run_without_a_terminal_writes_the_same_bytes(run_suite: RunSuite) -> None:
    on, off = (run_suite(PLAIN, "--foreign-thread-matrix", f"--foreign-thread-live={live}") for live in ("auto", "off"))
    assert TIMES.sub("", on.output) == TIMES.sub("", off.output)
    assert (on.errors, off.errors) == ("", "")
    assert "\x1b" not in on.output


def test_interrupted_by_a_signal_to_pytest_alone(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES)
    run.until_bottom("test_waits")
    os.kill(run.process.pid, signal.SIGINT)
    os.kill(run.process.pid, signal.SIGINT)
    assert run.end() != 0
    assert run.terminal.whole_screen_scrolls()
