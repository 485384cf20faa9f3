"""Runs of pytest at a terminal, with a debugger in a test and a user who types."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_foreignthread.supervise.process import processes

from ..run_command import FEW_PLUGINS, run_command
from ..terminals import ENDLESS, Process, Terminal

LEFT_OUT: Final = {"CI", "BUILD_NUMBER", "NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "PYTEST_ADDOPTS"}
FOREIGN: Final = "@pytest.mark.foreign_thread(mode={!r}, timeout={})"
PROMPT: Final = "(Pdb) "
READER: Final = re.compile(r"^reader (\d+)$", re.MULTILINE)
INTERRUPT: Final = "\x03"
KEYS: Final = (INTERRUPT,)


@dataclass
class Debugged:
    """A run of pytest on a terminal, with a user who types when he is asked."""

    terminal: Terminal
    process: Process
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
            if command in KEYS:
                self.press(command)
            else:
                self.terminal.type(f"{command}\n")

    def press(self, key: str) -> None:
        """Press a key while the prompt waits: a signal that comes before is Python's to take at the next line."""
        reader = self.reader
        self.terminal.until_true(lambda: getattr(processes.stat(reader), "state", "S") == "S")
        self.terminal.type(key)

    @property
    def reader(self) -> int:
        """pid of the process that reads from the terminal; it has printed it."""
        self.terminal.until(lambda: READER.search(self.text) is not None)
        return int(READER.findall(self.text)[-1])

    def end(self) -> int:
        return self.terminal.end_of(self.process)

    @property
    def text(self) -> str:
        return self.terminal.written.decode("utf-8", "replace").replace("\r\n", "\n")


def command(*args: str) -> list[str]:
    options = ("--color=no", "--foreign-thread-live=off", "--foreign-thread-native=off")
    return run_command("-p", "no:cacheprovider", *options, *args)


def environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    return {**inherited, **FEW_PLUGINS, "TERM": "xterm", "LANG": "C.UTF-8", "INPUTRC": os.devnull}


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

def stuck():
    while True:
        try:
            print("stuck")
            while True:
                threading.Event().wait(0.01)
        except KeyboardInterrupt:
            pass
"""
