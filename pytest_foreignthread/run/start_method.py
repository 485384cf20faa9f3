"""Decides whether a child is a fork of the pytest process or a fresh interpreter, and tells the user why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from ..interop.running_jvm import RunningJvm, running_jvm
from ..model.checkers import MALLOC, OF_INTERPRETER, has_own_interpreter
from ..model.settings import Settings

_CODE: Final = "jvm-before-fork"


class Starts:
    """The start method of each child. `asked` is the user's choice; None leaves the choice to the run."""

    def __init__(self, asked: str | None) -> None:
        self._asked = asked
        self._in_header = False

    def how(self, settings: Settings) -> str:
        """Return "fork" or "spawn" for a child that is needed now. Raise UsageError if neither can work.

        A child that needs no JVM may be forked while a JVM runs in this process.
        """
        checks = [name for name in settings.checks if name in OF_INTERPRETER]
        running = None if self._asked == "spawn" or settings.jvm is None else running_jvm()
        if self._asked != "spawn" and running is None and not checks:
            return "fork"
        if running is not None and self._asked == "fork":
            raise pytest.UsageError(
                f"{_CODE}: {_subject(running)} runs in the pytest process already, and no forked child can use it or "
                "have one of its own: leave out foreign_thread_start = fork, so that the foreign-thread tests run in "
                f"fresh interpreters, or let no conftest and no other test {_start_of(running)} ({_page()})"
            )
        if not (sys.executable and os.access(sys.executable, os.X_OK)):
            why = "foreign_thread_start = spawn" if running is None else f"{_CODE}: {_why(running)}"
            why = f"foreign_thread_check = {','.join(checks)}" if checks else why
            raise pytest.UsageError(
                f"{why}, and no fresh interpreter can be started: expected sys.executable to be a program, got "
                f"{sys.executable!r}: run pytest with a Python executable ({_page()})"
            )
        return "spawn"

    def check(self, asked: Sequence[str]) -> None:
        """Raise UsageError if no child can run under the checkers that are asked for; call before the first test."""
        checks = [name for name in asked if name in OF_INTERPRETER]
        if checks and self._asked == "fork":
            raise pytest.UsageError(
                f"foreign_thread_check = {','.join(checks)}: expected no foreign_thread_start = fork beside it: an "
                "interpreter takes this checker only at its start, so each child must be a fresh one; leave out one of "
                "the two options"
            )
        if MALLOC in checks and sys.flags.ignore_environment:
            raise pytest.UsageError(
                f"foreign_thread_check = {MALLOC}: expected a Python that reads PYTHONMALLOC, got one that was started "
                "with -E or -I: start it without, or use the checker dev in its place"
            )

    def header(self, jvm: str | None) -> Iterator[str]:
        """Yield the lines for pytest's header: what is known before the first test.

        `jvm` describes the JVM that a child starts; None means that no test needs a JVM.
        """
        running = None if self._asked == "fork" or jvm is None else running_jvm()
        whose = " with the project's own JVM" if running is not None and running.is_jpypes else ""
        if not whose:
            yield f"foreign-thread: {jvm or 'no JVM needed'}"
        if self._asked == "spawn":
            beside = f",{whose}" if whose else ""
            yield f"foreign-thread: tests run in fresh interpreters{beside} (foreign_thread_start = spawn)"
        elif running is not None:
            self._in_header = True
            yield _line(f"tests run{whose} in fresh interpreters", running)

    def summary(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield a line if tests ran in fresh interpreters because a JVM was started after the header was shown.

        `entries` are the entries of the report.
        """
        number = sum(entry["start"] == "spawn" and not has_own_interpreter(entry["notes"]) for entry in entries)
        if number and self._asked is None and not self._in_header:
            # `running_jvm` returns None in xdist's controller: the JVMs run in its workers.
            yield _line(
                f"{number} tests ran in fresh interpreters" if number > 1 else "1 test ran in a fresh interpreter",
                running_jvm(),
            )


def _line(what: str, running: RunningJvm | None) -> str:
    return f"foreign-thread: {what}: {_why(running)} ({_page()})"


def _why(running: RunningJvm | None) -> str:
    return f"{_subject(running)} runs in the pytest process, which no forked child can use"


def _subject(running: RunningJvm | None) -> str:
    return "a JVM" if running is None or running.is_jpypes else f"a JVM {running.origin}"


def _start_of(running: RunningJvm) -> str:
    return "call jpype.startJVM" if running.is_jpypes else "start it"


def _page() -> str:
    # Imported here because few runs of pytest print this address.
    from ..report.text import PAGES

    return f"{PAGES}{_CODE}/"
