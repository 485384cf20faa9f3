"""The matrix and the differences from the baseline, in pytest's terminal summary."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..collect.selection import UNMARKED
from ..interop.pytest_terminal import add_to_last_line, colour_red
from ..matrix.baseline.changes import Change, Difference
from ..run.results import Results

if TYPE_CHECKING:
    from ..report.screen import Line, Screen

_HOW_TO_MARK: Final = (
    "no test is marked: put @pytest.mark.foreign_thread on a test or a class, pytestmark = pytest.mark.foreign_thread "
    "into a module, or use --foreign-thread-all for all tests"
)


class MatrixPart:
    """A plugin of the process that has the terminal; under xdist that is the controller."""

    def __init__(self, terminal: Any, results: Results) -> None:
        self._terminal = terminal
        self._results = results

    def pytest_terminal_summary(self, config: pytest.Config) -> None:
        if self._results.selection.modes:
            self._write_matrix(config)
        self._write_baseline()

    def _write_matrix(self, config: pytest.Config) -> None:
        from ..report.grid_text import grid_lines, verdict_lines

        matrix, census = self._results.matrix(), self._results.census
        left = ", ".join(census.words(self._results.selection.everything))
        if config.getoption("collectonly", False) or not (matrix.rows or left):
            return
        self._terminal.write_sep("=", "foreign-thread matrix")
        if matrix.rows:
            screen = _screen(config)
            if config.get_verbosity() >= 0:
                self._write_lines(grid_lines(matrix, screen))
                self._terminal.write_line("")
            self._write_lines(verdict_lines(matrix, screen))
        elif not census.tests and not census.deselected and UNMARKED in census.left:
            self._terminal.write_line(_HOW_TO_MARK, yellow=True)
        if left:
            self._terminal.write_line(f"not in the matrix: {left}")

    def _write_baseline(self) -> None:
        settled = self._results.settled
        if settled.differences or settled.note:
            self._terminal.write_sep("=", "foreign-thread baseline")
        for difference in settled.differences:
            self._terminal.write_line(difference.text, red=True)
        if settled.note:
            self._terminal.write_line(settled.note)
        if settled.differences:
            colour_red(self._terminal)
            add_to_last_line(self._terminal, list(_counted(settled.differences)))

    def _write_lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            for span in line:
                self._terminal.write(span.text, **dict.fromkeys(span.markup, True))
            self._terminal.write_line("")


def _counted(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield what fails the run although no count of tests tells of it."""
    for change in (Change.STALE, Change.EXPIRED):
        if number := sum(one.change is change for one in differences):
            kind = change.value.partition(" ")[0]
            yield f"{number} {kind} baseline {'entry' if number == 1 else 'entries'}"


def _screen(config: pytest.Config) -> Screen:
    from ..report.screen import Screen, shows_unicode

    return Screen(
        width=config.get_terminal_writer().fullwidth,
        height=shutil.get_terminal_size().lines,
        verbose=config.get_verbosity() > 0,
        unicode=shows_unicode(getattr(sys.stdout, "encoding", None)),
    )
