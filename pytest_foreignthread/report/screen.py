"""Text for a terminal: its width in columns, what is escaped, and how it is cut to fit."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Text and its markup. The names are those of pytest's TerminalWriter."""

    text: str
    markup: tuple[str, ...] = ()


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Screen:
    """What a terminal can show. A grid of more than `height` lines folds its sound rows, unless `verbose`."""

    width: int = 80
    height: int = 24
    verbose: bool = False
    unicode: bool = True


def shows_unicode(encoding: str | None) -> bool:
    return (encoding or "ascii").lower().startswith("utf")


def printable(text: str, screen: Screen) -> str:
    """Escape the control characters that a terminal would obey, and the characters that it could not show."""
    if text.isprintable() and (screen.unicode or text.isascii()):
        return text
    kept = (char if char.isprintable() and (screen.unicode or char.isascii()) else ascii(char)[1:-1] for char in text)
    return "".join(kept)


def cut(text: str, width: int, screen: Screen, *, end: bool = False) -> str:
    """Shorten the text to `width` columns. The middle is cut, because the end of a name has the parameters of a test.

    With `end`, the end is cut.
    """
    if width_of(text) <= width:
        return text
    mark = "…" if screen.unicode else ".."
    tail = 0 if end else (width - len(mark)) * 2 // 3
    head = _start(text, width - len(mark) - tail)
    return head + mark + _start(text[::-1], tail)[::-1]


def _start(text: str, width: int) -> str:
    ends = itertools.accumulate(map(_columns_of, text))
    return text[: sum(1 for _ in itertools.takewhile(lambda end: end <= width, ends))]


def width_of(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    """Return the terminal columns of a character: 2 for a wide East Asian one, 0 for a combining one, else 1."""
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
