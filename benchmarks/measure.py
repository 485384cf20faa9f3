"""A command's wall time and CPU time, and runs of several commands in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final, TypeVar

from .surroundings import ROOT

T = TypeVar("T")

# Python would write no bytecode, and rewrite each test module in each run; the rest adds plugins, options or output.
_IN_THE_WAY: Final = (
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE", "PYTHONWARNINGS"),
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"),
    *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"),
)


class BenchmarkError(Exception):
    """A figure could not be taken; the text says what to do or what was seen."""


@dataclass(frozen=True)
class Spent:
    """Seconds; `cpu` is user and system time of the process and of all below it that were waited for."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Command:
    """A command that ends with this exit status and has these words in its output; else it measures something else."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    status: int = 0
    words: str = ""

    def run(self) -> Spent:
        """Raise BenchmarkError when it does not end as it should."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            spent, status = _waited_for(self, output)
            output.seek(0)
            written = output.read()
        if status != self.status or self.words not in written:
            told = f"want exit status {self.status} and {self.words!r}, got {status}:\n{written[-2000:]}"
            raise BenchmarkError(f"{' '.join(self.arguments)} (in {self.folder}): {told}")
        return spent


def _waited_for(command: Command, output: IO[str]) -> tuple[Spent, int]:
    began = time.perf_counter()
    process = subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env=command.environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    # wait4 gives the usage of this process alone, whatever else was started and waited for meanwhile.
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(wall, usage.ru_utime + usage.ru_stime), process.returncode


@dataclass(frozen=True)
class Pytest:
    """A run of pytest on the suite in `folder`, with the plugins that `arguments` name and no others."""

    folder: Path
    arguments: tuple[str, ...]
    words: str
    status: int = 0
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=lambda: environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"))

    def command(self, *before: str) -> Command:
        """Return the command; `before` are arguments of Python's that come before `-m pytest`."""
        arguments = (self.python, *before, "-m", "pytest", "-q", *self.arguments)
        return Command(arguments, self.folder, self.environment, self.status, self.words)

    def run(self) -> Spent:
        return self.command().run()

    def with_arguments(self, *more: str) -> Pytest:
        return replace(self, arguments=(*self.arguments, *more))


def environment(**more: str) -> dict[str, str]:
    """Let what is measured be the plugin that lies beside the benchmarks, whichever is installed."""
    kept = {name: value for name, value in os.environ.items() if name not in _IN_THE_WAY}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, **more}


def walls(runs: Iterable[Spent]) -> tuple[float, ...]:
    return tuple(one.wall for one in runs)


def cpus(runs: Iterable[Spent]) -> tuple[float, ...]:
    return tuple(one.cpu for one in runs)


def in_turn(repeat: int, *sides: Callable[[], T]) -> tuple[tuple[T, ...], ...]:
    """Run A B A B …, after one run of each that does not count; give what each run of each side gave."""
    for side in sides:
        side()
    rounds = [tuple(side() for side in sides) for _ in range(repeat)]
    return tuple(zip(*rounds, strict=True))
