"""Threads that `pthread_create` starts."""

from __future__ import annotations

import ctypes
import os
import queue
from typing import Final

import pytest

from pytest_foreignthread.child.native.pthreads import start_thread
from pytest_foreignthread.child.thread_attributes import ThreadAttributes

KB: Final = 1024


def stack_size() -> int:
    """Return the size of this thread's stack."""
    libc, attributes, size = ctypes.CDLL(None), (ctypes.c_char * 64)(), ctypes.c_size_t()
    libc.pthread_self.restype = ctypes.c_void_p
    assert libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes) == 0
    assert libc.pthread_attr_getstacksize(attributes, ctypes.byref(size)) == 0
    return size.value


@pytest.mark.parametrize(("chosen", "size"), [(64 * KB, 256 * KB), (512 * KB, 512 * KB)])
def test_a_stack_has_at_least_the_size_that_the_system_wants(
    monkeypatch: pytest.MonkeyPatch, chosen: int, size: int
) -> None:
    """With less pthreads start no thread; the least size of aarch64 is larger than that of the option."""
    wanted = {"SC_THREAD_STACK_MIN": 256 * KB}
    monkeypatch.setattr(os, "sysconf", wanted.__getitem__)
    sizes = queue.SimpleQueue[int]()
    start_thread(lambda: sizes.put(stack_size()), "native-1", ThreadAttributes(stack=chosen))
    assert size <= sizes.get(timeout=60) < 2 * size
