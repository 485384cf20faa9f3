"""The live line: how far the run is, in the row below pytest's own progress.

The line must leave no trace: it is removed before pytest writes, and it sets no mode of the terminal that a killed run
would leave behind, such as a scroll region.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from ..config.stash_keys import LIVE, ROUND, SETTINGS, STEP_ASIDE, TICK
from ..interop.xdist import is_controller
from ..model.blame import error_text
from ..model.outcomes import Outcome
from ..report.live_text import Progress, Running, live_line
from ..report.pytest.pytest_reports import reported_outcome
from ..report.screen import Screen, shows_unicode

# Control sequences of the VT100. The cursor stays where pytest left it, so pytest has nothing to its right or below it.
_CLEAR_BELOW: Final = "\x1b[J"
# Down and up again: in the last row of the screen "down" scrolls, which makes room for the line. Both keep the column.
_ROOM_BELOW: Final = "\x1bD\x1b[A"
_SAVE, _NEXT_ROW, _RESTORE = "\x1b7", "\r\x1b[B", "\x1b8"
_LEAST_ROWS, _LEAST_COLUMNS = 3, 2
_ENOUGH: Final = 5
"""The number of tests that must be done before the line estimates the time left."""


def register(config: pytest.Config, terminal: object, modes: Sequence[str]) -> None:
    # The terminal plugin's isatty, not that of sys.stdout, which is captured while tests are collected.
    if getattr(terminal, "isatty", False) and is_wanted(config):
        live = LiveLine(config, modes)
        config.stash[TICK] = live.draw
        config.stash[STEP_ASIDE] = live.hide
        config.stash[ROUND] = live.note_round
        config.pluginmanager.register(live, "foreign_thread_live_line")


def is_wanted(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the run has a live line.

    With `-s` there is none, because tests may then draw on the screen themselves; nor under CI, whose log would keep
    each line that is drawn.
    """
    asked = config.stash.get(LIVE, "off") == "auto" and config.get_verbosity() > -2
    runs = not config.getoption("collectonly", False) and config.getoption("capture", "no") != "no"
    able = environment.get("TERM", "") not in ("", "dumb") and not (environment.get("CI") or os.name != "posix")
    return asked and runs and able


class LiveLine:
    """A plugin of the process that has the terminal. It shows a line while a test runs in a child.

    xdist's controller does not know which tests run in a child. It shows a line if the run has a matrix, of `modes`.
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
        self._round = ""
        """How far the rounds of the running test are; empty for a test that is not stressed."""
        self._error = ""
        """The first error of this plugin in the line, with its traceback; empty if there was none."""

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
        # A test in this process may write to the terminal itself. Remove the line now: from the test's setup on, output
        # is captured, and so would be what removes the line.
        if SETTINGS not in item.stash:
            self.hide()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # Counted here, because a terminal of another plugin may not know our categories, or may count each phase.
        if (outcome := reported_outcome(report)) is not None:
            self._outcomes[outcome] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._began.pop(nodeid, None)
        self._round = ""
        self._done += 1
        self._draw_again()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        # Remove the line here: not all output after this goes through pytest's terminal writer. A usage error does not.
        self.hide()

    def note_round(self, text: str) -> None:
        """Take what the line says about the rounds of the running test, the next time that it is drawn."""
        self._round = text

    def hide(self) -> None:
        """Remove the line until the next `draw`."""
        self._shows = False
        self._clear()

    def _draw_again(self) -> None:
        if self._shows:
            self.draw()

    def draw(self) -> None:
        """Draw the line, or draw it again, if the screen has room for it."""
        self._shows = True
        with self._no_error_of_the_run():
            # pytest's text must be on the screen first: the line is drawn relative to the cursor.
            self._writer.flush()
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
            # A pseudo-terminal has 0 columns and 0 rows until somebody sets its size.
            if columns < _LEAST_COLUMNS or rows < _LEAST_ROWS:
                return
            text = self._text(columns - 1)
            # After a full row the cursor hangs in the last column, a state that save and restore do not keep.
            full = self._writer.width_of_current_line % columns == 0 < self._writer.width_of_current_line
            if text and not full:
                self._write(f"{_CLEAR_BELOW}{_ROOM_BELOW}{_SAVE}{_NEXT_ROW}{text}{_RESTORE}")
                self._drawn = True

    def _clear(self) -> None:
        if self._drawn:
            self._drawn = False
            with self._no_error_of_the_run():
                self._write(_CLEAR_BELOW)

    @contextlib.contextmanager
    def _no_error_of_the_run(self) -> Iterator[None]:
        """Let no error in the block reach pytest, which would end the run for the sake of an ornament."""
        try:
            yield
        # ValueError: stdout is closed. AttributeError: it is None, or an object without a descriptor.
        except (OSError, ValueError, AttributeError):
            pass
        # The boundary of the live line: the summary names the error as one of this plugin.
        except Exception as error:
            self._error = self._error or error_text(error, "the live line")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._error:
            terminalreporter.write_line(self._error)

    def _write(self, text: str) -> None:
        # A forked child has a copy of this object, and must not write to the terminal.
        if os.getpid() == self._owner:
            os.write(sys.stdout.fileno(), text.encode(sys.stdout.encoding, "replace"))

    def _text(self, width: int) -> str:
        screen = Screen(width, unicode=shows_unicode(sys.stdout.encoding))
        markup = self._writer.markup
        return "".join(markup(span.text, **dict.fromkeys(span.markup, True)) for span in live_line(self._now(), screen))

    def _now(self) -> Progress:
        now = time.monotonic()
        running = [Running(nodeid, now - began, self._round) for nodeid, began in self._began.items()]
        # A plugin that runs tests again makes more than were collected.
        total = max(self._total, self._done)
        left = (now - self._loop_began) / self._done * (total - self._done) if self._done >= _ENOUGH else None
        return Progress(self._done, total, self._outcomes, running, left)
