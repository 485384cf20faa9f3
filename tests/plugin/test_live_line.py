"""The live line of a run on a terminal, and that nothing of pytest's own output changes with it."""

from __future__ import annotations

import os
import re
import signal
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ..run_command import FEW_PLUGINS, run_command
from ..terminals import ENDLESS, Process, Terminal
from .conftest import RunSuite

DRAWN: Final = re.compile(r"\x1bD\x1b\[A\x1b7.*?\x1b8", re.DOTALL)
CLEARED: Final = "\x1b[J"
TIMES: Final = re.compile(r" in \d+\.\d+s|0x[0-9a-f]+|=+")


@dataclass
class Watched:
    """A run of pytest on a terminal."""

    terminal: Terminal
    process: Process
    folder: Path
    events: dict[str, int]
    """FIFOs for which tests wait, by name."""

    def end(self) -> int:
        return self.terminal.end_of(self.process)

    def until_line(self, pattern: str) -> None:
        self.terminal.until(lambda: re.search(pattern, self.terminal.last_line) is not None)

    def release(self, name: str = "go") -> None:
        os.write(self.events[name], b"go\n")

    @property
    def written(self) -> str:
        return self.terminal.written.decode()

    @property
    def of_pytest(self) -> str:
        """What is left without the line."""
        return DRAWN.sub("", self.written).replace(CLEARED, "").replace("\r\n", "\n")


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

PLAIN: Final = "def test_first(): pass\n"
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
OFF: Final = ("--foreign-thread-live=off",)


def test_a_line_below_what_pytest_writes(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_line(r"^ 3/5  passed 2  failed 1 \| test_it\.py::test_waits\[main\] [1-9].* (s|min)$")
    (progress,) = [line for line in run.terminal.lines if line.startswith("test_it.py ")]
    assert progress == "test_it.py .F."
    run.release()
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    lines = run.terminal.lines
    assert (
        "test_it.py .F...                                                                             [100%]" in lines
    )
    assert any(re.fullmatch(r"=+ 1 failed, 4 passed in .* =+", line) for line in lines)
    assert not any("/5  passed" in line for line in lines)


MIXED: Final = """
import pytest

@pytest.mark.parametrize("number", range(3))
@pytest.mark.foreign_thread
def test_first(number): pass

def test_writes(capsys):
    with capsys.disabled():
        print("one\\ntwo\\nthree", end="")

@pytest.mark.foreign_thread
def test_fails(): assert False

def test_last(): pass
"""
FULL_ROW: Final = len("test_it.py::test_first[0-main] ")


@pytest.mark.parametrize(
    ("args", "columns", "rows"),
    [
        ((), 100, 40),
        ((), 20, 8),
        (("-v",), 100, 40),
        (("-v",), 100, 8),
        (("-v",), FULL_ROW, 40),
        (("-q",), 40, 40),
    ],
    ids=str,
)
# A high screen without a full row shows what the others show.
@pytest.mark.by_default("()-20-8", "('-v',)-100-8", f"('-v',)-{FULL_ROW}-40")
def test_the_screen_is_what_it_is_without_the_line(
    watch: Watch, args: tuple[str, ...], columns: int, rows: int
) -> None:
    """Also on a low one that scrolls all the time, so that the line is in its last row."""
    given = (MODES, "--foreign-thread-matrix", "--tb=no", *args)
    run, plain = (watch({"test_it.py": MIXED}, *given, *more, columns=columns, rows=rows) for more in ((), OFF))
    screens = []
    for one in (run, plain):
        assert one.end() == pytest.ExitCode.TESTS_FAILED
        screens.append(TIMES.sub("", "".join(one.terminal.screen.display).replace(str(one.folder), "")))
    assert screens[0] == screens[1]
    first, second = (TIMES.sub("", one.of_pytest.replace(str(one.folder), "")) for one in (run, plain))
    assert first == second
    assert DRAWN.search(run.written)
    assert not DRAWN.search(plain.written)
    # From the last column no terminal comes back to where it was.
    assert (f"[0-main] {CLEARED}" in run.written) == (args == ("-v",) and columns != FULL_ROW)


def test_killed(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, rows=8)
    run.until_line("^ 3/5 .*test_waits")
    os.killpg(run.process.pid, signal.SIGKILL)
    run.end()
    os.write(run.terminal.slave, b"$ \n[1]\n[2]\n")
    run.terminal.settle()
    assert run.terminal.screen.margins is None
    # The shell writes over the line, and on below it.
    assert run.terminal.lines[-4] == "test_it.py .F.$"
    assert run.terminal.lines[-3].startswith("[1]")
    assert run.terminal.lines[-2:] == ["[2]", ""]


@pytest.mark.parametrize("colours", [True, False])
# The tests above have no colours.
@pytest.mark.by_default("True")
def test_colours(watch: Watch, colours: bool) -> None:
    run = watch({"test_it.py": WAITS}, MODES, **({} if colours else {"NO_COLOR": "1"}))
    run.until_line(r"failed 1")
    screen = run.terminal.screen
    line = run.terminal.last_line
    assert screen.buffer[run.terminal.lines.index(line)][line.index("failed")].fg == ("red" if colours else "default")
    run.release()
    run.end()


def test_interrupt_at_the_terminal(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_line("test_waits")
    run.terminal.type("\x03")
    assert run.end() == pytest.ExitCode.INTERRUPTED
    assert any("! KeyboardInterrupt" in line for line in run.terminal.lines)
    assert not any("/5  passed" in line for line in run.terminal.lines)


def test_a_usage_error_in_the_midst(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, "--foreign-thread-modes=new", "--foreign-thread-jvm-args=-XX:+NoSuchFlag")
    assert run.end() == pytest.ExitCode.USAGE_ERROR
    assert DRAWN.search(run.written)
    assert any(line.startswith("ERROR: the JVM did not start") for line in run.terminal.lines)
    assert not any("0/5" in line for line in run.terminal.lines)


def test_another_size_while_a_test_runs(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES, "--tb=no")
    run.until_line("test_waits")
    for columns, rows in ((70, 24), (110, 30), (90, 30)):
        run.terminal.resize(columns, rows)
        run.until_line(r"^ 3/5  passed 2  failed 1 \| test_it\.py::test_waits\[main\]")
        assert sum("3/5" in line for line in run.terminal.lines) == 1
    run.release()
    run.end()
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
    run.until_line(r"^ 0/2 \| 2 running: test_it\.py::test_waits")
    run.release("go_too")
    run.until_line(r"^ 1/2  passed 1 \| test_it\.py::test_waits\[main\]")
    run.release()
    assert run.end() == pytest.ExitCode.OK
    assert any("2 passed" in line for line in run.terminal.lines)


RAISES: Final = "import pytest\ndef pytest_runtest_logstart(nodeid):\n    if 'second' in nodeid: "
ENDS: Final[dict[str, tuple[str, int, str]]] = {
    "all pass": ("", pytest.ExitCode.OK, "2 passed"),
    "pytest.exit": (f"{RAISES}pytest.exit('enough', 7)", 7, "Exit: enough"),
    "interrupt": (f"{RAISES}raise KeyboardInterrupt", pytest.ExitCode.INTERRUPTED, "! KeyboardInterrupt"),
    "internal error": (f"{RAISES}raise RuntimeError('in a hook')", pytest.ExitCode.INTERNAL_ERROR, "in a hook"),
    "usage error": (f"{RAISES}raise pytest.UsageError('in a hook')", pytest.ExitCode.USAGE_ERROR, "ERROR: in a hook"),
}
FOREIGN: Final = """
import pytest
pytestmark = pytest.mark.foreign_thread
def test_first(): pass
def test_second(): pass
"""


@pytest.mark.parametrize("way", ENDS)
# The others end as these do.
@pytest.mark.by_default("all pass", "interrupt", "internal error")
def test_nothing_is_left_of_it(watch: Watch, way: str) -> None:
    conftest, status, words = ENDS[way]
    run = watch({"test_it.py": FOREIGN, "conftest.py": conftest}, MODES)
    assert run.end() == status
    before, _, after = run.written.rpartition(CLEARED)
    assert DRAWN.search(before)
    assert words not in before
    assert words in after
    assert not any("/2" in line for line in run.terminal.lines)


def test_an_ordinary_test_has_the_screen(watch: Watch) -> None:
    ordinary = "def test_stops(): breakpoint()\ndef test_last(): pass\n"
    run = watch({"test_a.py": FOREIGN, "test_b.py": ordinary}, MODES)
    run.terminal.until(lambda: any("(Pdb)" in line for line in run.terminal.lines))
    assert DRAWN.search(run.written)
    assert not any("/4" in line for line in run.terminal.lines)
    run.terminal.type("c\n")
    assert run.end() == pytest.ExitCode.OK
    assert not any("/4" in line for line in run.terminal.lines)


NOT_SHOWN: Final[dict[str, tuple[str, tuple[str, ...], dict[str, str]]]] = {
    "no foreign-thread tests": (PLAIN, (MODES,), {}),
    "off": (FOREIGN, (MODES, *OFF), {}),
    "capture": (FOREIGN, (MODES, "-s"), {}),
    "no plugin that captures": (FOREIGN, (MODES, "-p", "no:capture"), {}),
    "very quiet": (FOREIGN, (MODES, "-qq"), {}),
    "collection": (FOREIGN, (MODES, "--co"), {}),
    "no terminal plugin": (FOREIGN, (MODES, "-p", "no:terminal"), {}),
    "xdist without a matrix": (FOREIGN, ("-n1",), {}),
    "dumb": (FOREIGN, (MODES,), {"TERM": "dumb"}),
    "ci": (FOREIGN, (MODES,), {"CI": "true"}),
}


@pytest.mark.parametrize("why", NOT_SHOWN)
# The others are decided in one place with these, before a test runs.
@pytest.mark.by_default("capture", "dumb", "no foreign-thread tests", "off")
def test_not_shown(watch: Watch, why: str) -> None:
    test, args, environment = NOT_SHOWN[why]
    run = watch({"test_it.py": test}, *args, **environment)
    assert run.end() == pytest.ExitCode.OK
    assert not DRAWN.search(run.written)
    assert CLEARED not in run.written


@pytest.mark.parametrize(("columns", "rows"), [(4, 24), (100, 2)], ids=["narrow", "low"])
def test_a_small_screen_is_left_alone(watch: Watch, columns: int, rows: int) -> None:
    run = watch({"test_it.py": FOREIGN}, MODES, columns=columns, rows=rows)
    assert run.end() == pytest.ExitCode.OK
    assert not DRAWN.search(run.written)


ONE: Final = "import pytest\n@pytest.mark.foreign_thread\ndef test_first(): pass\n"


@pytest.mark.parametrize("test", [FOREIGN, ONE], ids=["module", "test"])
def test_without_a_matrix(watch: Watch, test: str) -> None:
    run = watch({"test_it.py": test})
    assert run.end() == pytest.ExitCode.OK
    assert DRAWN.search(run.written)


def test_a_run_without_a_terminal_writes_the_same_bytes(run_suite: RunSuite) -> None:
    on, off = (run_suite(FOREIGN, MODES, f"--foreign-thread-live={live}") for live in ("auto", "off"))
    assert TIMES.sub("", on.output) == TIMES.sub("", off.output)
    assert (on.errors, off.errors) == ("", "")
    assert "\x1b" not in on.output


def test_interrupted_by_a_signal_to_only_pytest(watch: Watch) -> None:
    run = watch({"test_it.py": WAITS}, MODES)
    run.until_line("test_waits")
    os.kill(run.process.pid, signal.SIGINT)
    os.kill(run.process.pid, signal.SIGINT)
    assert run.end() != 0


ROUNDS: Final = """
    import itertools
    import pytest
    rounds = itertools.count(1)

    @pytest.mark.foreign_thread(mode="native", stress=4)
    def test_it():
        number = next(rounds)
        if number == 3:
            open("go").readline()
        assert number != 2
"""


def test_the_line_says_how_far_the_rounds_are(watch: Watch) -> None:
    run = watch({"test_it.py": ROUNDS}, "--foreign-thread-stress-shrink=0")
    run.until_line(r"test_it \(native\) round 3 of 4, 1 failed")
    run.release()
    assert run.end() == 1
    assert "1 of 4 rounds failed" in run.of_pytest
    assert "round 3" not in run.of_pytest
