"""The function that an address of a mapped file lies in."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.supervise.probes.elf_symbols import Function, function_at

START: Final = 0x1000
NAMES: Final = b"\0_PyFirst\0second\0\x80\0"
FUNCTION: Final = 2


def elf(
    symbols: list[tuple[int, int, int, int]], *, kind: int = 3, tables: tuple[int, ...] = (2,), cut: int | None = None
) -> bytes:
    """Return a file with a table of symbols (place of the name, type, value, size) for each type in `tables`."""
    table = b"".join(struct.pack("<IBBHQQ", name, of_type, 0, 1, value, size) for name, of_type, value, size in symbols)
    at_table = 64 + len(NAMES)
    sections = [struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64, len(NAMES), 0, 0, 0, 0)]
    sections += [struct.pack("<IIQQQQIIQQ", 0, one, 0, 0, at_table, len(table), 0, 0, 0, 24) for one in tables]
    header = b"\x7fELF\2\1".ljust(16, b"\0") + struct.pack("<H", kind).ljust(24, b"\0")
    header = (header + struct.pack("<Q", at_table + len(table))).ljust(60, b"\0") + struct.pack("<HH", len(sections), 0)
    return (header + NAMES + table + b"".join(sections))[:cut]


BOTH: Final = [(1, FUNCTION, START, 0x20), (10, FUNCTION, START + 0x20, 0x20)]


@pytest.mark.parametrize(
    ("content", "address", "expected"),
    [
        (elf(BOTH), START, Function("_PyFirst", 0)),
        (elf(BOTH), START + 0x1F, Function("_PyFirst", 0x1F)),
        (elf(BOTH), START + 0x20, Function("second", 0)),
        # Between two functions that a stripped file names lie others.
        (elf(BOTH), START + 0x40, None),
        (elf(BOTH), START - 1, None),
        (elf([(1, 1, START, 0x20)]), START, None),
        (elf([(18, FUNCTION, START, 0x20)]), START, None),
        (elf(BOTH, tables=(11,)), START, Function("_PyFirst", 0)),
        (elf(BOTH, tables=(6,)), START, None),
        (b"", START, None),
        (b"#!/bin/sh\n", START, None),
    ],
)
def test_function_at(tmp_path: Path, content: bytes, address: int, expected: Function | None) -> None:
    file = tmp_path / "lib.so"
    file.write_bytes(content)
    assert function_at(str(file), 0x7F0000000000 + address, 0x7F0000000000) == expected
    # An executable that lies where it was linked to.
    file.write_bytes(content[:16] + b"\2" + content[17:])
    assert function_at(str(file), address, 0x400000) == expected


def test_a_function_of_libc() -> None:
    address = ctypes.cast(ctypes.CDLL(None).qsort, ctypes.c_void_p).value
    assert address is not None
    ranges = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        low, high = (int(end, 16) for end in line.split()[0].split("-"))
        ranges.append((low, high, line.split()[-1]))
    path = next(path for low, high, path in ranges if low <= address < high)
    found = function_at(path, address + 1, min(low for low, _, one in ranges if one == path))
    assert found is not None
    assert "qsort" in found.name
    assert found.offset == 1


def test_a_fifo_in_the_place_of_the_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lib.so")
    assert function_at(str(tmp_path / "lib.so"), START, 0) is None


@given(place=st.integers(16, 63), change=st.binary(min_size=1, max_size=8), cut=st.integers(0, 400))
def test_any_file_is_survived(tmp_path_factory: pytest.TempPathFactory, place: int, change: bytes, cut: int) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.so"
    content = elf(BOTH, tables=(2, 11))
    file.write_bytes((content[:place] + change + content[place + len(change) :])[:cut])
    with contextlib.suppress(OSError, OverflowError, struct.error):
        function_at(str(file), START, 0)
