"""pytest's debugger in foreign-thread tests, at a terminal and without one, beside what it does in an ordinary test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import termios
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pytest

from ..terminals import ENDLESS, Terminal
from .debugged import (
    INTERRUPT,
    PROMPT,
    STOPS,
    Debugged,
    command,
    environment,
    on_foreign_thread,
)

MODES: Final = ("main", "same", "new", "python")


class Debug(Protocol):
    def __call__(self, test: str, *args: str) -> Debugged: ...


@pytest.fixture
def debug(tmp_path: Path) -> Iterator[Debug]:
    runs: list[Debugged] = []

    def start(test: str, *args: str) -> Debugged:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        (folder / "test_it.py").write_text(textwrap.dedent(test), encoding="utf-8")
        terminal = Terminal(100, 50)
        process = terminal.start(command(*args), folder, environment())
        runs.append(run := Debugged(terminal, process, folder))
        return run

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait(ENDLESS)
        run.terminal.close()


@pytest.mark.parametrize("mode", [*MODES, "pool", "forkjoin", "scheduled", "native", "native-pool"])
# The other modes have other threads of Java, C or Python, and the same debugger.
@pytest.mark.by_default("main", "new")
def test_the_prompt_is_in_the_tests_own_frame_on_its_own_thread(debug: Debug, mode: str) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread(mode, 1), stop="breakpoint()"))
    run.until("PDB set_trace (IO-capturing turned off)", "test_it()")
    run.answer("threading.get_native_id() == os.getpid()")
    run.until("True" if mode in ("main", "same") else "False")
    # The deadline has passed, and passed again.
    run.answer("outlast(3)")
    run.until("'outlasted'")
    run.answer("number += 1", "c")
    run.until("PDB continue (IO-capturing resumed)")
    assert run.end() == pytest.ExitCode.OK
    assert "captured" not in run.text
    assert "1 passed" in run.text


@dataclass(frozen=True)
class Talk:
    """What a user does, and what pytest then says at its end."""

    typed: tuple[str, ...]
    args: tuple[str, ...] = ()
    stop: str = "breakpoint()"


READS: Final = "print('reader', os.getpid())"
TALKS: Final = {
    "continue": Talk(("number += 1", "c")),
    "fails": Talk(("c",)),
    "step": Talk(("n", "c")),
    "set_trace": Talk(("p number", "c"), stop="pytest.set_trace(header='here it is')"),
    "pdb": Talk(("p number", "c"), stop="import pdb; pdb.set_trace()"),
    "twice": Talk(("c", "p number", "c"), stop="breakpoint(); breakpoint()"),
    "own breakpoint": Talk(("b 16", "c", "p number", "c"), stop="breakpoint()\n    number += 1"),
    "without capture": Talk(("p number", "c"), args=("-s",)),
    "capture of sys": Talk(("p number", "c"), args=("--capture=sys",)),
    "without the plugin that captures": Talk(
        ("b 16", "c", "p number", "c"), args=("-p", "no:capture"), stop="breakpoint()\n    number += 1"
    ),
    "quit": Talk(("q",)),
    "end of file": Talk(("EOF",)),
    "interrupt": Talk((READS, INTERRUPT, "p number", "c")),
    "trace": Talk(("n", "n", "p number", "c"), args=("--trace",), stop="pass"),
    "post mortem": Talk(("p number", "c"), args=("--pdb",), stop="pass"),
    "post mortem without capture": Talk(("p number", "c"), args=("--pdb", "-s"), stop="pass"),
    "post mortem, quit": Talk(("q",), args=("--pdb",), stop="pass"),
    "post mortem, capture not shown": Talk(("c",), args=("--pdb", "--show-capture=no"), stop="pass"),
    "post mortem of an interrupt": Talk(("p number", "c"), args=("--pdb",), stop="raise KeyboardInterrupt"),
    "no post mortem of a skip": Talk((), args=("--pdb",), stop="pytest.skip()"),
    "no post mortem of what fails as expected": Talk((), args=("--pdb",), stop="pytest.xfail()"),
    "class of its own": Talk(("p number", "c"), args=("--pdbcls=test_it:Own",)),
}
OWN: Final = """
import pdb

class Own(pdb.Pdb):
    def do_where(self, arg):
        print("somewhere")
"""
VARYING: Final = re.compile(r"^reader \d+| in \d+\.\d+s|0x[0-9a-f]+|=+|\x1b\[\?2004[hl]|^ *@pytest.*\n", re.MULTILINE)
PROGRESS: Final = re.compile(r"^ ?[.Fs]?( +\[100%\])?\n", re.MULTILINE)
"""An ordinary test's `F` comes before the debugger that looks at the failure, a foreign-thread test's after it."""


def normalized(run: Debugged) -> str:
    _, _, text = run.text.partition("test_it.py")
    return PROGRESS.sub("", VARYING.sub("", text.replace(str(run.folder), "")))


ON_MAIN_TOO: Final = ("own breakpoint", "quit", "interrupt", "post mortem")


@pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, mode) for mode in ("new", "python") for name in TALKS), *((name, "main") for name in ON_MAIN_TOO)],
)
# Each way into the debugger and out of it, one beside a JVM; the others combine them, with other commands and captures.
@pytest.mark.by_default(
    "continue-new",
    "own breakpoint-main",
    "without capture-python",
    "quit-python",
    "end of file-python",
    "interrupt-python",
    "trace-python",
    "post mortem-main",
    "no post mortem of a skip-python",
)
def test_as_in_an_ordinary_test(debug: Debug, name: str, mode: str) -> None:
    talk, said = TALKS[name], []
    for mark in ("# ordinary", on_foreign_thread(mode)):
        run = debug(STOPS.format(mark=mark, stop=talk.stop) + OWN, *talk.args)
        run.answer(*talk.typed)
        status = run.end()
        said.append((status, normalized(run)))
    assert said[0] == said[1]


CRASHES: Final = "__import__('ctypes').string_at(0)"
WAITS: Final = "threading.Event().wait()"


@pytest.mark.parametrize("mode", ["main", "new"])
@pytest.mark.parametrize(
    ("body", "words"),
    [(CRASHES, "1 segfault"), (WAITS, "1 hang"), ("os._exit(3)", "1 crash")],
    ids=["segv", "hang", "exit"],
)
# The others are further ends, and the same ends on the other thread.
@pytest.mark.by_default("segv-new", "hang-new")
def test_what_becomes_of_it_after_the_debugger(debug: Debug, body: str, words: str, mode: str) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread(mode, 2), stop=f"breakpoint()\n    {body}"))
    run.answer("outlast(3)", "c")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert words in run.text


@pytest.mark.parametrize("body", [CRASHES, "os._exit(3)"], ids=["segv", "exit"])
def test_no_post_mortem_of_what_died(debug: Debug, body: str) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread("new"), stop=body), "--pdb")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert PROMPT not in run.text


NULL: Final = """
import pytest
pytestmark = pytest.mark.foreign_thread(mode="new", isolation="session")

def test_before():
    pass

def test_null():
    number = 41
    raise SystemError("<built-in function f> returned NULL without setting an exception")
"""


def test_post_mortem_of_a_null_result_once(debug: Debug) -> None:
    run = debug(NULL, "--pdb")
    run.answer("p number", "c")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 null_result" in run.text
    assert run.text.count("entering PDB") == 1


@pytest.mark.parametrize("mode", ["main", "new"])
def test_a_child_that_is_killed_at_the_prompt(debug: Debug, mode: str) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread(mode), stop="breakpoint()") + "\ndef test_next(): pass\n")
    before = termios.tcgetattr(run.terminal.slave)
    run.answer(READS)
    run.until(PROMPT)
    assert termios.tcgetattr(run.terminal.slave) != before
    os.kill(run.reader, signal.SIGKILL)
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 crash" in run.text
    assert termios.tcgetattr(run.terminal.slave) == before


def test_interrupt_of_what_the_foreign_thread_executes(debug: Debug) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread("new"), stop="breakpoint()"))
    run.answer("print('busy') or [None for _ in iter(int, 1)]")
    run.until("\nbusy")
    run.terminal.type(INTERRUPT)
    run.until("*** KeyboardInterrupt")
    run.answer("number += 1", "c")
    assert run.end() == pytest.ExitCode.OK


def test_interrupts_without_an_answer_end_the_run(debug: Debug) -> None:
    run = debug(STOPS.format(mark=on_foreign_thread("new"), stop="breakpoint()"))
    # It tells of each that reaches the child; of those that come at once the kernel keeps one.
    run.answer("import faulthandler, signal; faulthandler.register(signal.SIGINT, 1, all_threads=False, chain=True)")
    run.answer("stuck()")
    run.until("\nstuck")
    for _ in range(2):
        run.terminal.type(INTERRUPT)
        # The end of its words: a ^C makes the terminal forget what it has not shown, and faulthandler the next signal.
        run.until("in _run_module_as_main")
    run.terminal.type(INTERRUPT)
    assert run.end() == pytest.ExitCode.INTERRUPTED
    assert "! KeyboardInterrupt: " in run.text


TWO: Final = """
import pytest
pytestmark = pytest.mark.foreign_thread(mode="new", isolation="session")

def test_first():
    pass

def test_second():
    {stop}

def test_third():
    pass
"""


@pytest.mark.parametrize("stop", ["breakpoint()", "pytest.set_trace()"])
def test_a_test_begun_ahead_waits_for_its_turn(debug: Debug, stop: str) -> None:
    run = debug(TWO.format(stop=stop), "-v")
    run.answer("c")
    assert run.end() == pytest.ExitCode.OK
    order = ["test_first PASSED", "test_second ", "PDB set_trace", "PDB continue", "PASSED", "test_third PASSED"]
    places = [run.text.index(words) for words in order[:4]]
    assert places == sorted(places)
    assert re.search(r"capturing resumed\) >+\nPASSED +\[ 66%\]\ntest_it.py::test_third PASSED", run.text)


def test_tests_of_a_shared_child_are_traced_one_by_one(debug: Debug) -> None:
    run = debug(TWO.format(stop="pass"), "--trace")
    run.answer("c", "c", "c")
    assert run.end() == pytest.ExitCode.OK
    assert "3 passed" in run.text


def test_the_live_line_steps_aside(debug: Debug) -> None:
    run = debug(
        STOPS.format(mark="@pytest.mark.foreign_thread", stop="breakpoint()"),
        "--foreign-thread-modes=main,new",
        "--foreign-thread-live=auto",
    )
    for _ in range(2):
        run.until("test_it()")
        # Longer than it takes to draw again.
        run.answer("outlast(time.monotonic() - BEGAN + 1.5)", "number += 1")
        run.until(PROMPT)
        assert not any("/2 " in line for line in run.terminal.lines)
        run.terminal.type("c\n")
    assert run.end() == pytest.ExitCode.OK
    assert " 0/2 | test_it.py::test_it" in run.text


def piped(folder: Path, test: str, typed: str, *args: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(test, encoding="utf-8")
    return subprocess.run(
        command(*args), cwd=folder, env=environment(), input=typed, capture_output=True, text=True,
        timeout=ENDLESS, check=False, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("args", [(), ("-s",), ("--trace",), ("--pdb",)], ids=["breakpoint", "-s", "trace", "pdb"])
# The others are at a terminal in `test_as_in_an_ordinary_test`.
@pytest.mark.by_default("pdb")
def test_commands_from_a_pipe_as_in_an_ordinary_test(tmp_path: Path, args: tuple[str, ...]) -> None:
    said = []
    for mark in ("# ordinary", on_foreign_thread("new")):
        stop = "pass" if args else "breakpoint()"
        test = STOPS.format(mark=mark, stop="breakpoint()" if args == ("-s",) else stop)
        done = piped(tmp_path, test, "p number\np number + 1\nc\n", *args)
        _, _, text = done.stdout.partition("test_it.py")
        said.append((done.returncode, done.stderr, PROGRESS.sub("", VARYING.sub("", text))))
    assert said[0] == said[1]


@pytest.mark.parametrize("isolation", ["test", "session"])
def test_each_child_takes_its_own_commands_from_a_pipe(tmp_path: Path, isolation: str) -> None:
    tests = "".join(
        f"def test_{number}():\n    number = {number}\n    breakpoint()\n    assert number == 7\n"
        for number in range(3)
    )
    source = f"import pytest\npytestmark = pytest.mark.foreign_thread(mode='new', isolation={isolation!r})\n{tests}"
    done = piped(tmp_path, source, "number += 7\nc\nnumber += 6\nc\nnumber += 5\nc\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 passed" in done.stdout


def test_no_commands_at_all(tmp_path: Path) -> None:
    done = piped(tmp_path, STOPS.format(mark=on_foreign_thread("new"), stop="breakpoint()"), "")
    assert "BdbQuit" in done.stdout
    assert "1 failed" in done.stdout
