"""Crashes under the checker that no block of memory caused, and the words of the checker without a crash."""

from __future__ import annotations

import ctypes
import os
import sys

import pytest

BLOCK = "Debug memory block at address p=0x7f0000000000: API 'm'\n    16 bytes originally requested\n"


@pytest.mark.foreign_thread(mode=["native", "new"], check="malloc")
def test_a_null_pointer() -> None:
    ctypes.string_at(8)


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_the_bytes_without_the_checker() -> None:
    ctypes.string_at(0xDDDDDDDDDDDDDDDD)


@pytest.mark.foreign_thread(mode="native", check="malloc")
def test_the_words_before_a_crash_of_another_kind() -> None:
    sys.stderr.write(f"{BLOCK}and more\n")
    sys.stderr.flush()
    os.abort()


@pytest.mark.foreign_thread(mode="native", check="malloc")
def test_the_words_alone() -> None:
    sys.stderr.write(f"{BLOCK}Fatal Python error: _PyMem_DebugRawFree: bad trailing pad byte\n")
