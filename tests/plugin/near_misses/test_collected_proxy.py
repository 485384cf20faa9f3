"""Callbacks of ctypes that are there when C calls them."""

from __future__ import annotations

import ctypes

import pytest

LIBC = ctypes.CDLL(None)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def sort(address: int | None) -> None:
    array = (ctypes.c_int * 3)(3, 1, 2)
    LIBC.qsort(array, ctypes.c_size_t(3), ctypes.c_size_t(4), ctypes.c_void_p(address))


@pytest.mark.foreign_thread
def test_a_callback_that_is_kept() -> None:
    kept = COMPARE(lambda one, other: 0)
    sort(ctypes.cast(kept, ctypes.c_void_p).value)


@pytest.mark.foreign_thread
def test_a_callback_that_crashes_itself() -> None:
    kept = COMPARE(lambda one, other: len(ctypes.string_at(0)))
    sort(ctypes.cast(kept, ctypes.c_void_p).value)


@pytest.mark.foreign_thread
def test_an_address_that_never_was_a_callback() -> None:
    sort(16)
