"""Text on a terminal: what it can show, how wide it is there, and how it is made to fit."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Text and its markup, by the names of pytest's TerminalWriter."""

    text: str
    markup: tuple[str, ...] = ()


Line = tuple[Span, ...]


@dataclass(frozen=True)
class Screen:
    """`width` in columns; more than `height` lines of a grid fold its sound rows, unless `verbose`."""

    width: int = 80
    height: int = 24
    verbose: bool = False
    unicode: bool = True


def shows_unicode(encoding: str | None) -> bool:
    return (encoding or "ascii").lower().startswith("utf")


def printable(text: str, screen: Screen) -> str:
    """Escape what a terminal would obey, or could not show."""
    if text.isprintable() and (screen.unicode or text.isascii()):
        return text
    kept = (char if char.isprintable() and (screen.unicode or char.isascii()) else ascii(char)[1:-1] for char in text)
    return "".join(kept)


def cut(text: str, width: int, screen: Screen, *, end: bool = False) -> str:
    """Shorten to a width in columns. A name loses its middle: its end has the parameters that tell rows apart."""
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
    """Return two terminal columns for an East Asian wide character, none for a combining one."""
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
