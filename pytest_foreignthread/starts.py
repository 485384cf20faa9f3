"""Whether children are forks of the pytest process or fresh interpreters, and what is said of that."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pytest

from . import jvms
from .settings import Settings

_WHY: Final = "a JVM runs in the pytest process, which no forked child can use"
_CODE: Final = "jvm-before-fork"


class Starts:
    """One of STARTS for each child; `asked` is what the user chose, None where that is left to the run."""

    def __init__(self, asked: str | None) -> None:
        self._asked = asked
        self._told = False

    def how(self, settings: Settings) -> str:
        """Give the way for a child that is needed now; raise UsageError where there is none.

        One that has no use for a JVM may be forked beside one.
        """
        if self._asked != "spawn" and (settings.jvm is None or not jvms.runs_here()):
            return "fork"
        if self._asked == "fork":
            raise pytest.UsageError(
                f"{_CODE}: a JVM runs in the pytest process already, and no forked child can use it or have one of its "
                "own: leave out foreign_thread_start = fork, so that the foreign-thread tests run in fresh "
                f"interpreters, or let no conftest and no other test call jpype.startJVM ({_page()})"
            )
        if not (sys.executable and os.access(sys.executable, os.X_OK)):
            why = f"{_CODE}: {_WHY}" if self._asked is None else "foreign_thread_start = spawn"
            raise pytest.UsageError(
                f"{why}, and no fresh interpreter can be had: sys.executable is {sys.executable!r}: start pytest "
                f"with a Python of its own ({_page()})"
            )
        return "spawn"

    def header(self, jvm: str) -> Iterator[str]:
        """Yield what is known before the first test; `jvm` tells of the JVM that a child starts by itself."""
        own = self._asked != "fork" and jvms.runs_here()
        if not own:
            yield f"foreign-thread: {jvm}"
        if self._asked == "spawn":
            whose = ", with the project's own JVM" if own else ""
            yield f"foreign-thread: tests run in fresh interpreters{whose} (foreign_thread_start = spawn)"
        elif own:
            self._told = True
            yield _line("tests run with the project's own JVM in fresh interpreters")

    def summary(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield a line where a JVM came to be among the tests; `entries` are the report's."""
        number = sum(entry["start"] == "spawn" for entry in entries)
        if number and self._asked is None and not self._told:
            yield _line(
                f"{number} tests ran in fresh interpreters" if number > 1 else "1 test ran in a fresh interpreter"
            )


def _line(what: str) -> str:
    return f"foreign-thread: {what}: {_WHY} ({_page()})"


def _page() -> str:
    # Imported here: few runs of pytest have such a line.
    from .report.text import PAGES

    return f"{PAGES}{_CODE}/"
