"""A debugger in a run that a shell stops, lets go on in the background, and takes to the foreground again."""

from __future__ import annotations

import re
import shlex
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.supervise.process import processes

from ..terminals import ENDLESS, Terminal
from .debugged import PROMPT, STOPS, Debugged, command, environment, on_foreign_thread

STOP: Final = "\x1a"
SHELL: Final = "shell> "
PID: Final = re.compile(r"^pid-(\d+)$", re.MULTILINE)


class Shell(Debugged):
    """The process is a shell, and pytest what it runs."""

    def command(self, text: str) -> None:
        self.until(SHELL)
        self.terminal.type(f"{text}\n")

    def owns_the_terminal(self) -> None:
        """See that what is typed comes to the shell."""
        self.command("echo shell-$((6*7))")
        self.until("shell-42")

    def continues_at(self, prompt: list[object]) -> None:
        """Wait until the terminal is as the debugger had it, and leave the debugger."""
        self.terminal.until_true(lambda: termios.tcgetattr(self.terminal.slave) == prompt)
        self.terminal.type("number += 1\n")
        self.answer("c")
        self.until("1 passed")

    def waits_till_stopped(self) -> None:
        self.terminal.until(lambda: PID.search(self.text) is not None)
        pid = int(PID.findall(self.text)[-1])
        self.terminal.until_true(lambda: getattr(processes.stat(pid), "stopped", False))

    @property
    def modes(self) -> list[object]:
        return termios.tcgetattr(self.terminal.slave)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "test_it.py").write_text(STOPS.format(mark=on_foreign_thread("new"), stop="breakpoint()"))
    terminal = Terminal(100, 50)
    around = {name: value for name, value in environment().items() if name != "ENV"}
    process = terminal.start(["/bin/sh", "-i"], tmp_path, {**around, "PS1": SHELL})
    yield Shell(terminal, process, tmp_path)
    process.kill()
    process.wait(ENDLESS)
    terminal.close()


PYTEST: Final = shlex.join(command())


def test_stopped_and_taken_to_the_foreground_again(shell: Shell) -> None:
    shell.command(PYTEST)
    shell.until(PROMPT)
    at_prompt = shell.modes
    shell.terminal.type(STOP)
    shell.owns_the_terminal()
    shell.command("fg")
    shell.continues_at(at_prompt)


def test_in_the_background_it_waits_for_the_terminal(shell: Shell) -> None:
    shell.command(f"{PYTEST} & echo pid-$!")
    shell.waits_till_stopped()
    assert "Pdb" not in shell.text
    shell.owns_the_terminal()
    shell.command("fg")
    shell.answer("number += 1", "c")
    shell.until("1 passed")


def test_stopped_and_sent_to_the_background(shell: Shell) -> None:
    shell.command(f"{PYTEST} & echo pid-$!")
    shell.waits_till_stopped()
    shell.command("fg")
    shell.until(PROMPT)
    at_prompt = shell.modes
    shell.terminal.type(STOP)
    shell.command("bg; echo gone-$((6*7))")
    shell.until("gone-42")
    shell.waits_till_stopped()
    shell.owns_the_terminal()
    shell.command("fg")
    shell.continues_at(at_prompt)
