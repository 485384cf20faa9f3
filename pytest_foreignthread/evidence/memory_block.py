"""What CPython's debug hooks of memory write to stderr about a block → the block."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OF_BLOCK: Final = re.compile(r"\bbad (?:ID: Allocated using API|leading pad byte|trailing pad byte)")
"""The error of a block, in the text of a fatal error."""

# CPython's Objects/obmalloc.c, _PyObject_DebugDumpAddress.
_HEAD: Final = re.compile(
    r"^Debug memory block at address p=(?P<address>0x[0-9a-f]{1,16}): API '(?P<api>.{1,8})'\n"
    r" {4}(?P<size>[0-9]{1,20}) bytes originally requested$",
    re.M,
)
_FOLLOWS: Final = re.compile(r"\n {4}.*|\n\n?Enable tracemalloc .*|\n\n?Memory block allocated at .*|\n  File .*|\n*\Z")
_BEHIND: Final = re.compile(r"^ {8}at tail\+[0-9]: 0x([0-9a-f]{2})", re.M)
_ALLOCATED: Final = re.compile(
    r"^Memory block allocated at .*\n  File (\".{1,4096}\"), line (?:number )?([0-9]{1,9})$", re.M
)
_ERROR: Final = re.compile(r"^Fatal Python error: .*", re.M)
_FAMILIES: Final[Mapping[str, str]] = {"r": "PyMem_RawMalloc", "m": "PyMem_Malloc", "o": "PyObject_Malloc"}
_DEAD: Final = "0xdd *** OUCH"
_TWO_APIS: Final = re.compile(r"Allocated using API '(.)', verified using API '(.)'")


@dataclass(frozen=True)
class MemoryBlock:
    """A block as the hooks describe it."""

    address: str
    api: str
    size: int
    freed: bool
    """Whether the bytes before the block are those of freed memory; then its size is not known."""
    behind: tuple[str, ...]
    """The bytes behind the block that the hooks had written there, if one of them has changed."""
    allocated: str | None
    """The place where the block was allocated, if tracemalloc was on."""
    error: str
    """The fatal error that follows the description; empty if there is none."""
    is_last: bool
    """Whether nothing but the description is at the end of the text."""

    @property
    def words(self) -> str:
        family = _FAMILIES.get(self.api)
        size = "of unknown size" if self.freed else f"of {self.size} bytes"
        by = "" if family is None or self.freed else f", by {family}"
        behind = f", and {' '.join(self.behind)} behind it" if self.behind else ""
        return f"at {self.address}, {size}{by}{behind}"

    def what(self, error: str) -> str:
        """Return what has happened to the block; `error` is Python's fatal error, empty if there is none."""
        return "was used after it had been freed, or freed twice" if self.freed else what_of(error)


def what_of(error: str) -> str:
    """Return what has happened to the block of a fatal error."""
    if "bad trailing" in error:
        return "was overrun: something wrote beyond its end"
    if "bad leading" in error:
        return "was underrun: something wrote before its start"
    apis = _TWO_APIS.search(error)
    allocated, freed = (_FAMILIES.get(one) for one in (apis.groups() if apis is not None else ("", "")))
    if allocated is None or freed is None:
        return "was used after it had been freed, or never was one"
    return f"was allocated by {allocated} and freed or resized by a function for {freed}"


def parse_memory_block(text: str) -> MemoryBlock | None:
    """Return the last block that a text describes; None if it describes none."""
    # A list of all heads of a long text would keep Python's collector busy.
    last = deque(_HEAD.finditer(text), maxlen=1)
    if not last:
        return None
    head = last[0]
    rest = text[head.end() :]
    description = _description(rest)
    place = _ALLOCATED.search(rest)
    error = _ERROR.search(rest)
    return MemoryBlock(
        address=head["address"],
        api=head["api"],
        size=int(head["size"]),
        freed=description.count(_DEAD) >= _PADS and head["api"] not in _FAMILIES,
        behind=tuple(_BEHIND.findall(description)),
        allocated=None if place is None else f"{place[1]}, line {place[2]}",
        error="" if error is None else error[0],
        is_last=not rest[len(description) :].strip(),
    )


_PADS: Final = 7
"""The bytes before a block that the hooks check, on a machine with 8 bytes in a pointer."""


def _description(rest: str) -> str:
    """Return the lines that belong to the description, from the start of a text on."""
    position = 0
    while position < len(rest) and (line := _FOLLOWS.match(rest, position)) is not None and line.end() > position:
        position = line.end()
    return rest[:position]
