"""What CPython's debug hooks write about a block of memory."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.evidence.memory_block import MemoryBlock, parse_memory_block, what_of

OVERRUN: Final = """Debug memory block at address p=0x7feb5d39e140: API 'm'
    16 bytes originally requested
    The 7 pad bytes at p-7 are FORBIDDENBYTE, as expected.
    The 8 pad bytes at tail=0x7feb5d39e150 are not all FORBIDDENBYTE (0xfd):
        at tail+0: 0x00 *** OUCH
        at tail+1: 0xfd
        at tail+2: 0xfd
    Data at p: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00

Enable tracemalloc to get the memory block allocation traceback

Fatal Python error: _PyMem_DebugRawFree: bad trailing pad byte
Python runtime state: initialized

Current thread 0x00007feb5c5ff6c0 (most recent call first):
  File "/project/test_a.py", line 34 in test_malloc
"""
TRACED: Final = OVERRUN.replace(
    "Enable tracemalloc to get the memory block allocation traceback\n",
    'Memory block allocated at (most recent call first):\n  File "/project/test_a.py", line 7\n  File "b.py", line 9\n',
)
FREED: Final = """words of the test
Debug memory block at address p=0x7f862d50e540: API '\ufffd'
    8134714983398178816 bytes originally requested
    The 7 pad bytes at p-7 are not all FORBIDDENBYTE (0xfd):
        at p-7: 0xdd *** OUCH
        at p-6: 0xdd *** OUCH
        at p-5: 0xdd *** OUCH
        at p-4: 0xdd *** OUCH
        at p-3: 0xdd *** OUCH
        at p-2: 0xdd *** OUCH
        at p-1: 0xdd *** OUCH
    Because memory is corrupted at the start, the count of bytes requested
       may be bogus, and checking the trailing pad bytes may segfault.
    The 8 pad bytes at tail=0x70e4cfb3b3cfe540 are """


def block(text: str) -> MemoryBlock:
    found = parse_memory_block(text)
    assert found is not None
    return found


def test_a_block_that_was_overrun() -> None:
    found = block(OVERRUN)
    assert (found.size, found.api, found.freed, found.is_last) == (16, "m", False, False)
    assert found.words == "at 0x7feb5d39e140, of 16 bytes, by PyMem_Malloc, and 00 fd fd behind it"
    assert found.error == "Fatal Python error: _PyMem_DebugRawFree: bad trailing pad byte"
    assert found.what(found.error) == "was overrun: something wrote beyond its end"
    assert found.allocated is None


def test_where_it_was_allocated() -> None:
    assert block(TRACED).allocated == '"/project/test_a.py", line 7'


def test_a_block_that_was_freed() -> None:
    found = block(FREED)
    assert (found.freed, found.is_last, found.error) == (True, True, "")
    assert found.words == "at 0x7f862d50e540, of unknown size"
    assert found.what("") == "was used after it had been freed, or freed twice"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        ("bad leading pad byte", "was underrun: something wrote before its start"),
        ("bad trailing pad byte", "was overrun: something wrote beyond its end"),
        (
            "bad ID: Allocated using API 'm', verified using API 'o'",
            "was allocated by PyMem_Malloc and freed or resized by a function for PyObject_Malloc",
        ),
        (
            "bad ID: Allocated using API '\ufffd', verified using API 'r'",
            "was used after it had been freed, or never was one",
        ),
    ],
)
def test_what_the_error_says(error: str, what: str) -> None:
    assert what_of(f"Fatal Python error: _PyMem_DebugRawFree: {error}") == what


@pytest.mark.parametrize("more", ["and more\n", "Fatal Python error: Aborted\n"])
def test_words_behind_a_description(more: str) -> None:
    assert not block(f"{FREED}\n{more}").is_last


def test_the_last_of_several() -> None:
    assert block(OVERRUN + FREED).freed
    assert not block(FREED + "\n" + OVERRUN).freed


@pytest.mark.parametrize("text", ["", "Debug memory block at address p=0x1: API 'm'\n", OVERRUN.replace("p=0x", "p=")])
def test_no_block(text: str) -> None:
    assert parse_memory_block(text) is None
