"""The bottom row of a terminal, kept out of what scrolls above it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Final

# Control sequences of the VT100, as apt uses them for its progress.
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_WHOLE_SCREEN: Final = "\x1b[r"
_PLAIN, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[m", "\x1b[K", "\x1b[J"
# Where the cursor is on the last row, what is above moves up; its column stays.
_LEAVE_LAST_ROW: Final = "\x1bD\x1b[A"
# Setting the rows that scroll moves the cursor. What is below it is a line of ours, which a terminal that changed its
# size may have left on any row.
_LET_GO: Final = f"{_SAVE}{_WHOLE_SCREEN}{_RESTORE}{_CLEAR_BELOW}"

LEAST_ROWS: Final = 10
LEAST_COLUMNS: Final = 20


class BottomRow:
    """A line there that lasts until `close`; nothing is written before the first `show`.

    The size is asked for at each `show`, so that no handler of SIGWINCH is needed. A terminal that is gone is no error.
    """

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._owner = os.getpid()
        self._size: os.terminal_size | None = None
        """That for which the rows above were told to scroll by themselves; None while the whole screen does."""

    def show(self, line: Callable[[int], str]) -> None:
        """Draw what `line` gives for a width in columns; on a screen that is too small draw nothing."""
        size = self._current_size()
        if size is None or size.lines < LEAST_ROWS or size.columns < LEAST_COLUMNS:
            self.close()
            return
        start = "" if size == self._size else self._reserve(size)
        self._size = size
        # A character in the last column would be taken by what clears the rest of the row.
        self._write(f"{start}{_SAVE}{_row(size)}{_PLAIN}{line(size.columns - 1)}{_PLAIN}{_CLEAR_LINE}{_RESTORE}")

    def close(self) -> None:
        """Let the whole screen scroll again, and leave the cursor where it is."""
        if self._size is not None:
            self._write(_LET_GO)
            self._size = None

    def _reserve(self, size: os.terminal_size) -> str:
        return f"{_LET_GO}{_LEAVE_LAST_ROW}{_SAVE}\x1b[1;{size.lines - 1}r{_RESTORE}"

    def _current_size(self) -> os.terminal_size | None:
        try:
            return os.get_terminal_size(self._descriptor)
        except OSError:
            return None

    def _write(self, text: str) -> None:
        # A forked child has a copy of this, and no business with the terminal.
        if os.getpid() != self._owner:
            return
        data = text.encode(self._encoding, "replace")
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]


def _row(size: os.terminal_size) -> str:
    return f"\x1b[{size.lines};1H"
