"""A call into C does not return, but it has released the GIL, or nobody else wants the GIL."""

from __future__ import annotations

import ctypes

import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_sleeps_without_the_gil() -> None:
    ctypes.CDLL(None).sleep(100)


@pytest.mark.foreign_thread(mode="main", timeout=2)
def test_the_only_thread_sleeps_with_the_gil() -> None:
    ctypes.PyDLL(None).sleep(100)


@pytest.mark.foreign_thread(timeout=2)
def test_python_code_that_does_not_end() -> None:
    while True:
        pass
