"""Which collector the user's arguments name: HotSpot refuses to start with two; here the last does not win."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

_NAMES: Final = ("Serial", "Parallel", "ParallelOld", "ParNew", "ConcMarkSweep", "G1", "Z", "Shenandoah", "Epsilon")
_SWITCH: Final = re.compile(rf"-XX:([+-])(Use(?:{'|'.join(_NAMES)})GC|AggressiveHeap)")
"""AggressiveHeap sets the parallel collector."""
_SERIAL: Final = "UseSerialGC"
_OPTIONS_FILE: Final = "-XX:VMOptionsFile="
_FLAGS_FILE: Final = "-XX:Flags="
_MOST: Final = 1 << 20
"""The largest number of characters that are read of a file; HotSpot refuses longer files of options."""


def names_collector(users: Sequence[str]) -> bool:
    """Return whether the arguments, with those of files and of the environment, choose a collector.

    They also choose if they reject the serial one.
    """
    # In HotSpot's order, in which the last switch of one collector wins. Only the launcher `java` reads
    # JDK_JAVA_OPTIONS and @argfiles; a JVM inside another program does not.
    sources = (_words(os.environ.get("JAVA_TOOL_OPTIONS", "")), users, _words(os.environ.get("_JAVA_OPTIONS", "")))
    arguments = [word for source in sources for word in _with_options_files(source)]
    switches = _switches([*_of_flags_files(arguments), *arguments])
    return _SERIAL in switches or any(switches.values())


def _switches(arguments: Iterable[str]) -> dict[str, bool]:
    found = filter(None, map(_SWITCH.fullmatch, arguments))
    return {switch[2]: switch[1] == "+" for switch in found}


def _with_options_files(arguments: Iterable[str]) -> Iterator[str]:
    for argument in arguments:
        yield argument
        if argument.startswith(_OPTIONS_FILE):
            yield from _words(_text(argument[len(_OPTIONS_FILE) :]))


def _of_flags_files(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the arguments of the files of flags, in which a flag stands without `-XX:`."""
    for argument in arguments:
        if argument.startswith(_FLAGS_FILE):
            lines = _text(argument[len(_FLAGS_FILE) :]).splitlines()
            yield from (f"-XX:{word}" for line in lines for word in _words(line.partition("#")[0]))


def _words(text: str) -> list[str]:
    """Return the words as HotSpot splits them: at white space outside quotes, and without escapes."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    # A quote is not closed.
    except ValueError:
        return text.split()


def _text(name: str) -> str:
    """Return the text of a file; "" if it cannot be read, which HotSpot itself will say."""
    try:
        path = Path(name)
        # A pipe could be read only once, and HotSpot must read it.
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST)
    # ValueError: a null byte in the name.
    except (OSError, ValueError):
        return ""
