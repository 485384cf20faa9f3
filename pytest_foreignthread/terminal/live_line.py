"""How far a run is, live in the bottom row of the terminal, while pytest's own progress scrolls above."""

from __future__ import annotations

import functools
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Final

import pytest

from ..model.outcomes import Outcome
from ..report.live_text import Progress, Running, live_line
from ..report.pytest.pytest_reports import outcome_told_by
from ..report.screen import Screen, shows_unicode
from ..supervise.process.signals import retry_interrupted
from .bottom_row import BottomRow
from .eta import Pace

_FEW: Final = 20
"""As many foreign-thread tests, and no matrix, are done before a line of their own helps."""


class LiveLine:
    """A plugin of the process that has the terminal: xdist's controller, not its workers."""

    def __init__(
        self, config: pytest.Config, modes: Sequence[str], is_of_interest: Callable[[pytest.Item], bool]
    ) -> None:
        """Show a line where the run has a matrix, of `modes`, or more than a few tests that are of interest."""
        self._writer = config.get_terminal_writer()
        self._matrix = bool(modes)
        self._is_of_interest = is_of_interest
        self._pace = Pace(modes)
        self._began: dict[str, float] = {}
        self._at_once = 1
        self._outcomes = Counter[Outcome]()
        self._each_runs_all = config.getoption("dist", "no") == "each"
        self._row = BottomRow(sys.stdout.fileno(), sys.stdout.encoding)
        self._unicode = shows_unicode(sys.stdout.encoding)
        self._shown = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        # xdist's controller has none of its own.
        items = getattr(session, "items", ())
        self._pace.expect(item.nodeid for item in items)
        self._shown = self._matrix or sum(map(self._is_of_interest, items)) > _FEW
        try:
            return (yield)
        finally:
            # All that pytest tells of the end of a run, however it ends, comes after its loop.
            self._shown = False
            retry_interrupted(self._row.close)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        if not self._pace.total or self._each_runs_all:
            self._pace.expect(ids)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._began[nodeid] = time.monotonic()
        self._at_once = max(self._at_once, len(self._began))
        self.draw()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Not the terminal's own count: a plugin's terminal may know no category of ours, or count each phase.
        if (outcome := outcome_told_by(report)) is not None:
            self._outcomes[outcome] += 1
        # The passed ones wait for the next test: each drawing costs, and ordinary tests are fast.
        if not report.passed:
            self.draw()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        now = time.monotonic()
        self._pace.ended(nodeid, now - self._began.pop(nodeid, now))
        self.draw()

    def pytest_enter_pdb(self) -> None:
        self._row.close()

    def pytest_unconfigure(self) -> None:
        # For a second ^C that came before the loop's end had begun to do it.
        self._row.close()

    def draw(self) -> None:
        if self._shown:
            # What pytest has written belongs above, and stands where the cursor is.
            self._writer.flush()
            self._row.show(functools.partial(self._text, self._progress()))

    def _progress(self) -> Progress:
        now = time.monotonic()
        running = [Running(nodeid, now - began) for nodeid, began in self._began.items()]
        return Progress(self._pace.done, self._pace.total, self._outcomes, running, self._pace.left(self._at_once))

    def _text(self, progress: Progress, width: int) -> str:
        line = live_line(progress, Screen(width, unicode=self._unicode))
        return "".join(self._writer.markup(span.text, **dict.fromkeys(span.markup, True)) for span in line)
