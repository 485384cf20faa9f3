"""The function of a mapped file that an address lies in, as the symbol tables of the file tell."""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..process import processes

_HEADER: Final = 64
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_IS_ELF64: Final = b"\x7fELF\x02\x01"
_ABSOLUTE: Final = 2
"""The type ET_EXEC: the file's addresses are those of the process."""
_TABLES: Final = (2, 11)
"""The types SHT_SYMTAB and SHT_DYNSYM. A file that is stripped has only the second, of what it exports."""
_FUNCTIONS: Final = (2, 10)
"""The types STT_FUNC and STT_GNU_IFUNC."""
_LARGEST_TABLE: Final = 16 * 1024 * 1024
"""A table of this size is read in a fifth of a second."""
_LONGEST_NAME: Final = 200
_NAME: Final = re.compile(rb"[\w.$@]+", re.ASCII)


class Function(NamedTuple):
    """A function, and the distance of the address from its start."""

    name: str
    offset: int


def function_at(path: str, address: int, base: int) -> Function | None:
    """Return the function at an address of a process that has mapped a file at `base`; None if no table names it.

    Raise OSError, OverflowError or struct.error for a file that cannot be read, or is damaged.
    """
    # A test may have put something else in the place of the file: the open of a FIFO must not block.
    with processes.opened(path, os.O_RDONLY | os.O_NONBLOCK) as file:
        header = os.pread(file, _HEADER, 0) if stat.S_ISREG(os.fstat(file).st_mode) else b""
        if not header.startswith(_IS_ELF64):
            return None
        (kind,) = struct.unpack_from("<H", header, 16)
        (place,) = struct.unpack_from("<Q", header, 40)
        (number,) = struct.unpack_from("<H", header, 60)
        sections = list(_SECTION.iter_unpack(_read(file, place, number * _SECTION.size, _SECTION)))
        for table in _tables(sections):
            symbols = _read(file, table.place, table.size, _SYMBOL)
            found = _at(symbols, address if kind == _ABSOLUTE else address - base)
            if found is not None and (name := _NAME.match(os.pread(file, _LONGEST_NAME, table.names + found.name))):
                return Function(name[0].decode("ascii"), found.offset)
    return None


class _Table(NamedTuple):
    place: int
    size: int
    names: int
    """The place of the names of its symbols."""


def _tables(sections: Sequence[tuple[int, ...]]) -> Iterator[_Table]:
    """Yield the first table of each type: a valid file has no second one."""
    for wanted in _TABLES:
        first = next((section for section in sections if section[1] == wanted), None)
        if first is not None and first[5] <= _LARGEST_TABLE and first[6] < len(sections):
            yield _Table(first[4], first[5], sections[first[6]][4])


def _read(file: int, place: int, size: int, entry: struct.Struct) -> bytes:
    """Return the whole entries of a table that may be cut."""
    found = os.pread(file, size, place)
    return found[: len(found) // entry.size * entry.size]


class _Found(NamedTuple):
    name: int
    """The place of the name among the names of the table."""
    offset: int


def _at(symbols: bytes, wanted: int) -> _Found | None:
    """Return the first function that the address lies in."""
    for name, info, _, _, value, size in _SYMBOL.iter_unpack(symbols):
        if value <= wanted < value + size and info & 15 in _FUNCTIONS:
            return _Found(name, wanted - value)
    return None
