"""pytest's debugger in foreign-thread tests, at a terminal and without one, beside what it does in an ordinary test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import termios
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pytest

from ..terminals import ENDLESS, Terminal

LEFT_OUT: Final = {"CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "PYTEST_ADDOPTS"}
MODES: Final = ("main", "same", "new", "pool", "python")
FOREIGN: Final = "@pytest.mark.foreign_thread(mode={!r}, timeout={})"
PROMPT: Final = "(Pdb) "


@dataclass
class Debugged:
    """A run of pytest on a terminal, with a user who types when he is asked."""

    terminal: Terminal
    process: subprocess.Popen[bytes]
    folder: Path
    _seen: int = 0

    def until(self, *texts: str) -> None:
        """Wait until the terminal has shown each, one after the other, since what was waited for last."""
        for text in texts:
            self.terminal.until(lambda text=text: text in self._new)  # type: ignore[misc]
            self._seen += self._new.index(text) + len(text)

    @property
    def _new(self) -> str:
        return self.terminal.written.decode("utf-8", "replace")[self._seen :]

    def answer(self, *commands: str) -> None:
        """Type a command at each prompt that comes."""
        for command in commands:
            self.until(PROMPT)
            self.terminal.type(command if command in KEYS else f"{command}\n")

    def end(self) -> int:
        return self.terminal.end_of(self.process)

    @property
    def text(self) -> str:
        return self.terminal.written.decode("utf-8", "replace").replace("\r\n", "\n")


INTERRUPT: Final = "\x03"
SUSPEND: Final = "\x1a"
KEYS: Final = (INTERRUPT, SUSPEND)


class Debug(Protocol):
    def __call__(self, test: str, *args: str, shell: bool = False) -> Debugged: ...


@pytest.fixture
def debug(tmp_path: Path) -> Iterator[Debug]:
    runs: list[Debugged] = []

    def start(test: str, *args: str, shell: bool = False) -> Debugged:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        (folder / "test_it.py").write_text(textwrap.dedent(test), encoding="utf-8")
        terminal = Terminal(100, 50)
        process = terminal.start(["bash", "--norc", "-i"] if shell else command(*args), folder, environment())
        runs.append(run := Debugged(terminal, process, folder))
        return run

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait(ENDLESS)
        run.terminal.close()


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args]


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**inherited, "TERM": "xterm", "LANG": "C.UTF-8", "INPUTRC": os.devnull, "PS1": "$ "}


def on_foreign_thread(mode: str, timeout: float = ENDLESS) -> str:
    return FOREIGN.format(mode, timeout)


STOPS: Final = """
import os, threading, time, pytest
BEGAN = time.monotonic()

def outlast(seconds):
    while time.monotonic() < BEGAN + seconds:
        time.sleep(0.01)
    return "outlasted"

{mark}
def test_it():
    print("captured")
    number = 41
    {stop}
    assert number == 42
"""


@pytest.mark.parametrize("mode", [*MODES, "forkjoin"])
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


TALKS: Final = {
    "continue": Talk(("number += 1", "c")),
    "fails": Talk(("c",)),
    "step": Talk(("n", "where", "c")),
    "set_trace": Talk(("p number", "c"), stop="pytest.set_trace(header='here it is')"),
    "pdb": Talk(("p number", "c"), stop="import pdb; pdb.set_trace()"),
    "twice": Talk(("c", "p number", "c"), stop="breakpoint(); breakpoint()"),
    "own breakpoint": Talk(("b 16", "c", "p number", "c"), stop="breakpoint(); number += 1"),
    "without capture": Talk(("p number", "c"), args=("-s",)),
    "capture of sys": Talk(("p number", "c"), args=("--capture=sys",)),
    "without the plugin that captures": Talk(("b 16", "c", "p number", "c"), args=("-p", "no:capture")),
    "quit": Talk(("q",)),
    "end of file": Talk(("EOF",)),
    "interrupt": Talk((INTERRUPT, "p number", "c")),
    "interrupt of a command": Talk(("p number", INTERRUPT, "c")),
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
VARYING: Final = re.compile(r" in \d+\.\d+s|0x[0-9a-f]+|=+|\x1b\[\?2004[hl]|^(plugins|foreign-thread|class archive).*\n")


def normalized(run: Debugged) -> str:
    _, _, text = run.text.partition("test_it.py")
    return VARYING.sub("", text.replace(str(run.folder), ""))


@pytest.mark.parametrize("mode", ["main", "new"])
@pytest.mark.parametrize("talk", TALKS.values(), ids=TALKS)
def test_as_in_an_ordinary_test(debug: Debug, talk: Talk, mode: str) -> None:
    said = []
    for mark in ("# ordinary", on_foreign_thread(mode)):
        run = debug(STOPS.format(mark=mark, stop=talk.stop) + OWN, "--color=no", *talk.args)
        run.answer(*talk.typed)
        status = run.end()
        said.append((status, normalized(run)))
    assert said[0] == said[1]
