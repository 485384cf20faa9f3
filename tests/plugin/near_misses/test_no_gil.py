"""Calls of the C API with the GIL held, and a callback that takes it."""

from __future__ import annotations

import ctypes

import pytest


@pytest.mark.foreign_thread
def test_a_pydll_keeps_the_gil() -> None:
    new = ctypes.PyDLL(None).PyObject_CallNoArgs
    new.restype = ctypes.py_object
    assert new(ctypes.py_object(list)) == []


@pytest.mark.foreign_thread
def test_a_callback_takes_the_gil() -> None:
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.CDLL(None).qsort(numbers, 3, 4, compare(lambda one, other: one[0] - other[0]))
    assert list(numbers) == [1, 2, 3]


@pytest.mark.foreign_thread
def test_a_wrong_pointer_with_the_gil() -> None:
    """Frame and address (0x10, in libpython) are those of a NULL thread state, but the GIL is held."""
    ctypes.pythonapi.PyObject_Repr(ctypes.c_void_p(8))
