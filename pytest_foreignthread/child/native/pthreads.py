"""Threads made by `pthread_create` through ctypes, which needs neither a compiler nor machine code."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..thread_attributes import ThreadAttributes, signals_blocked

_MACHINES: Final = ("x86_64", "aarch64")
_ATTRIBUTES: Final = 64
"""Bytes of a `pthread_attr_t`; glibc's has 56 on x86-64 and 64 on aarch64."""
_DETACHED: Final = 1
_PR_SET_NAME: Final = 15
_NAME_SIZE: Final = 15
_ENTRY: Final = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.py_object)


class ThreadError(OSError):
    """No thread could be created."""


def why_none() -> str | None:
    """Return why this machine cannot have such threads; None if it can."""
    machine = platform.machine()
    is_known = sys.platform == "linux" and machine in _MACHINES
    if is_known and hasattr(libc(), "makecontext"):
        return None
    other = f"{platform.system()} on {machine}"
    return f"needs Linux with glibc on {' or '.join(_MACHINES)}, this is {'another libc' if is_known else other}"


@functools.cache
def libc() -> ctypes.CDLL:
    """Return the C library, whose functions set `ctypes.get_errno()` and release the GIL."""
    return ctypes.CDLL(None, use_errno=True)


def start_thread(function: Callable[[], object], name: str, how: ThreadAttributes) -> None:
    """Call the function once on a new thread, which then ends. Raise ThreadError if no thread can be created."""
    with attributes() as made, signals_blocked(how.block_signals):
        if how.stack is not None:
            # glibc refuses less than its least size: 128 KB on aarch64, about 16 KB on x86-64.
            size = max(how.stack, os.sysconf("SC_THREAD_STACK_MIN"))
            check(libc().pthread_attr_setstacksize(made, ctypes.c_size_t(size)))
        job = _Job(function, name)
        keep(job)
        create(made, _entry(), ctypes.py_object(job))


def create(made: Any, start: Any, argument: Any) -> None:
    """Start a thread in the C function `start`. Raise ThreadError."""
    ident = ctypes.c_ulong()
    check(libc().pthread_create(ctypes.byref(ident), made, start, argument))


@contextlib.contextmanager
def attributes() -> Iterator[Any]:
    """Yield a `pthread_attr_t` for a detached thread, which no one joins."""
    made = (ctypes.c_char * _ATTRIBUTES)()
    check(libc().pthread_attr_init(made))
    try:
        check(libc().pthread_attr_setdetachstate(made, _DETACHED))
        yield made
    finally:
        libc().pthread_attr_destroy(made)


def check(error: int) -> None:
    """Raise ThreadError if `error`, an errno, is not 0."""
    if error:
        raise ThreadError(error, f"no native thread could be made: {os.strerror(error)}")


def keep(thing: object) -> None:
    """Add a reference to a Python object that C code refers to, so that Python does not destroy the object."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def set_kernel_name(name: str) -> None:
    """Set this thread's name in the kernel only, as C code does; Python does not learn the name."""
    libc().prctl(_PR_SET_NAME, name.encode()[:_NAME_SIZE], 0, 0, 0)


class _Job:
    def __init__(self, function: Callable[[], object], name: str) -> None:
        self._function = function
        self._name = name

    def run(self) -> None:
        set_kernel_name(self._name)
        self._function()


@functools.cache
def _entry() -> Any:
    # One for all threads and never freed: it is machine code that a thread may still return through.
    return _ENTRY(_run)


def _run(job: _Job) -> None:
    try:
        job.run()
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(job))
