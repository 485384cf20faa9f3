"""Recursion that Python or Java stops itself, and recursion that fits."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

down: Callable[[int], int] = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda levels: levels and down(levels - 1))


@pytest.mark.foreign_thread
def test_fits() -> None:
    assert down(300) == 0


@pytest.mark.foreign_thread
def test_recursion_error() -> None:
    def endless() -> None:
        endless()

    endless()


@pytest.mark.foreign_thread
def test_java_throws(jvm: Any) -> None:
    contains_itself = jvm.JClass("java.util.ArrayList")()
    contains_itself.add(contains_itself)
    contains_itself.hashCode()
