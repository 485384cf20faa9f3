"""The fault is in Python's, the C library's or Java's own code."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import pytest


@pytest.mark.foreign_thread
def test_in_libpython() -> None:
    ctypes.pythonapi.PyObject_Repr(ctypes.c_void_p(8))


@pytest.mark.foreign_thread(mode="native")
def test_in_libpython_below_a_library() -> None:
    """zlib calls its allocator, PyObject_CallNoArgs(function); pystack shows none of the frames of that."""
    stream = (ctypes.c_void_p * 14)()
    stream[8] = ctypes.cast(ctypes.CDLL(None).PyObject_CallNoArgs, ctypes.c_void_p)
    stream[10] = id(functools.wraps)
    ctypes.CDLL("libz.so.1").deflateInit_(stream, 6, b"1", 112)


@pytest.mark.foreign_thread
def test_in_libc() -> None:
    ctypes.CDLL(None).strlen(ctypes.c_void_p(8))


@pytest.mark.foreign_thread
def test_in_libjvm(jvm: Any) -> None:
    unsafe = jvm.JClass("sun.misc.Unsafe").class_.getDeclaredField("theUnsafe")
    unsafe.setAccessible(True)
    unsafe.get(None).putAddress(8, 1)
