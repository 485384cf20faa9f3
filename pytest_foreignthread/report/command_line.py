"""Commands for the user's shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Final

_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}


def shell_line(words: Iterable[str]) -> str:
    """Return the command as one line, whatever characters its words have."""
    return " ".join(map(shell_word, words))


def shell_word(word: str) -> str:
    """Return the word as a shell reads it.

    A line end, as a test's parameter may have one, would make two lines of a command: such a word is quoted as `$'…'`.
    """
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    # A byte that is no UTF-8 is a lone surrogate in Python.
    errors = "surrogateescape" if 0xDC80 <= ord(character) <= 0xDCFF else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", errors))
