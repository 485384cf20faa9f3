"""What a benchmark is given, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pytest_foreignthread.model.settings import Jvm

from .figures import Row
from .measure import Pytest

OUR_PLUGIN: Final = ("-p", "foreign_thread")


@dataclass(frozen=True)
class Sizes:
    """How many tests a suite has; `start_ups` are runs of each side."""

    isolated: int = 50
    bare: int = 40
    """Tests without a JVM."""
    shared: int = 3000
    matrix: int = 1250
    """Tests; each is four items."""
    crashes: int = 20
    hangs: int = 5
    start_ups: int = 21
    session: int = 20_000
    """Items of the long session; the short one has a tenth of them."""


QUICK: Final = Sizes(isolated=4, bare=4, shared=200, matrix=100, crashes=2, hangs=1, start_ups=3, session=400)


@dataclass(frozen=True)
class Bench:
    """`folder` is the benchmark's own, and not there yet; `repeat` is how often each side runs."""

    folder: Path
    jvm: Jvm
    sizes: Sizes
    repeat: int
    matrix_isolation: str = "session"

    def ours(self, suite: Path, words: str, *arguments: str, status: int = 0) -> Pytest:
        """A run with this plugin, on the JVM that the other sides have as well."""
        jvm = f"--foreign-thread-jvm={self.jvm.library}"
        return Pytest(suite, (*OUR_PLUGIN, jvm, *arguments), words, status)


@dataclass(frozen=True)
class Benchmark:
    title: str
    rows: Callable[[Bench], list[Row]]
    profiled: Callable[[Bench], Pytest]
    """Returns the run whose pytest process is looked into by `--profile`."""
