"""How far a run is, live on a terminal, in the row below pytest's own progress."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest

from ..config.stash_keys import LIVE, SETTINGS, STEP_ASIDE, TICK
from ..interop.xdist import is_controller
from ..model.outcomes import Outcome
from ..report.live_text import Progress, Running, live_line
from ..report.pytest.pytest_reports import outcome_told_by
from ..report.screen import Screen, shows_unicode

# Control sequences of the VT100. The cursor stays where pytest left it, so nothing of pytest's is right of it or below.
_CLEAR_BELOW: Final = "\x1b[J"
# In the last row of the screen the first of the two scrolls; both keep the column.
_ROOM_BELOW: Final = "\x1bD\x1b[A"
_SAVE, _NEXT_ROW, _RESTORE = "\x1b7", "\r\x1b[B", "\x1b8"
_LEAST_ROWS: Final = 3
_ENOUGH: Final = 5
"""Tests that have to be done before the line tells the time left."""


def register(config: pytest.Config, terminal: object, modes: Sequence[str]) -> None:
    # Not the standard output's: that is captured while tests are collected.
    if getattr(terminal, "isatty", False) and is_wanted(config):
        live = LiveLine(config, modes)
        config.stash[TICK] = live.draw
        config.stash[STEP_ASIDE] = live.hide
        config.pluginmanager.register(live, "foreign_thread_live_line")


def is_wanted(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> bool:
    """With `-s` the screen belongs to the tests, which may draw on it themselves; a log of CI keeps what is drawn."""
    asked = config.stash.get(LIVE, "off") == "auto" and config.get_verbosity() > -2
    runs = not config.getoption("collectonly", False) and config.getoption("capture", "no") != "no"
    able = environment.get("TERM", "") not in ("", "dumb") and not (environment.get("CI") or os.name != "posix")
    return asked and runs and able


class LiveLine:
    """A plugin of the process that has the terminal. There is a line while a test runs in a child, not in this process.

    xdist's controller cannot know which tests do: it shows a line if the run has a matrix, of `modes`.
    """

    def __init__(self, config: pytest.Config, modes: Sequence[str]) -> None:
        self._writer = config.get_terminal_writer()
        self._write_raw = self._writer.write_raw
        self._writer.write_raw = self._write_instead  # type: ignore[method-assign]
        self._shows = bool(modes) and is_controller(config)
        self._each_runs_all = config.getoption("dist", "no") == "each"
        self._owner = os.getpid()
        self._total = self._done = 0
        self._loop_began = time.monotonic()
        self._began: dict[str, float] = {}
        self._outcomes = Counter[Outcome]()
        self._drawn = False

    def _write_instead(self, *args: Any, **kwargs: Any) -> None:
        self._clear()
        self._write_raw(*args, **kwargs)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        self._total, self._loop_began = len(session.items), time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._total = len(ids) + (self._total if self._each_runs_all else 0)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._began[nodeid] = time.monotonic()
        self._draw_again()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        # A test in this process may write on the terminal. During its setup this output would be captured.
        if SETTINGS not in item.stash:
            self.hide()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Not the terminal's own count: a plugin's terminal may know no category of ours, or count each phase.
        if (outcome := outcome_told_by(report)) is not None:
            self._outcomes[outcome] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._began.pop(nodeid, None)
        self._done += 1
        self._draw_again()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        # Not all that comes after this is written by pytest's terminal writer: a usage error is not.
        self.hide()

    def hide(self) -> None:
        """Remove the line until the next `draw`."""
        self._shows = False
        self._clear()

    def _draw_again(self) -> None:
        if self._shows:
            self.draw()

    def draw(self) -> None:
        self._shows = True
        # What pytest has written stands where the cursor is.
        self._writer.flush()
        with contextlib.suppress(OSError):
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
            text = self._text(columns - 1)
            # A row of pytest's that is full to the last column has no place for the cursor to come back to.
            full = self._writer.width_of_current_line % columns == 0 < self._writer.width_of_current_line
            if text and rows >= _LEAST_ROWS and not full:
                self._write(f"{_CLEAR_BELOW}{_ROOM_BELOW}{_SAVE}{_NEXT_ROW}{text}{_RESTORE}")
                self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._drawn = False
            self._write(_CLEAR_BELOW)

    def _write(self, text: str) -> None:
        # A forked child has a copy of this, and no business with the terminal.
        if os.getpid() == self._owner:
            # A terminal that is gone is no error.
            with contextlib.suppress(OSError):
                os.write(sys.stdout.fileno(), text.encode(sys.stdout.encoding, "replace"))

    def _text(self, width: int) -> str:
        screen = Screen(width, unicode=shows_unicode(sys.stdout.encoding))
        markup = self._writer.markup
        return "".join(markup(span.text, **dict.fromkeys(span.markup, True)) for span in live_line(self._now(), screen))

    def _now(self) -> Progress:
        now = time.monotonic()
        running = [Running(nodeid, now - began) for nodeid, began in self._began.items()]
        # Plugins run tests again.
        total = max(self._total, self._done)
        left = (now - self._loop_began) / self._done * (total - self._done) if self._done >= _ENOUGH else None
        return Progress(self._done, total, self._outcomes, running, left)
