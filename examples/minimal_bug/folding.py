"""Lines of a report, folded to the width of a terminal."""

from __future__ import annotations

import re
from typing import Final

WIDTH: Final = 80
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


def folded(line: str, width: int = WIDTH) -> str:
    """Return the line in rows of at most `width` columns; a word that is longer has a row of its own."""
    if _columns(line) <= width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    rows, row = [], indent
    for word in line.split():
        if row.strip() and _columns(row) + 1 + _columns(word) > width:
            rows.append(row)
            row = " " * max(0, min(len(indent) + 2, width - _columns(word)))
        row += word if not row.strip() else f" {word}"
    return "\n".join([*rows, row])


def _columns(text: str) -> int:
    return len(_COLOUR.sub("", text))
