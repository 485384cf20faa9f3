"""The fault is in Python's, the C library's or Java's own code."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_in_libpython() -> None:
    ctypes.pythonapi.PyObject_Repr(ctypes.c_void_p(8))


@pytest.mark.foreign_thread
def test_in_libc() -> None:
    ctypes.CDLL(None).strlen(ctypes.c_void_p(8))


@pytest.mark.foreign_thread
def test_in_libjvm(jvm: Any) -> None:
    unsafe = jvm.JClass("sun.misc.Unsafe").class_.getDeclaredField("theUnsafe")
    unsafe.setAccessible(True)
    unsafe.get(None).putAddress(8, 1)
