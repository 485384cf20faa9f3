"""Threads of `pthread_create`, which ctypes calls: no compiler is needed, and no bytes of machine code."""

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
"""Bytes of a `pthread_attr_t`, of which glibc has 56 on x86-64 and 64 on aarch64."""
_DETACHED: Final = 1
_PR_SET_NAME: Final = 15
_NAME_SIZE: Final = 15
_ENTRY: Final = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.py_object)


class ThreadError(OSError):
    """No thread could be made."""


def why_none() -> str | None:
    """Return the reason for which there are no such threads on this machine; None where there are."""
    machine = platform.machine()
    is_known = sys.platform == "linux" and machine in _MACHINES
    if is_known and hasattr(libc(), "makecontext"):
        return None
    other = f"{platform.system()} on {machine}"
    return f"needs Linux with glibc on {' or '.join(_MACHINES)}, this is {'another libc' if is_known else other}"


@functools.cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def start_thread(function: Callable[[], object], name: str, how: ThreadAttributes) -> None:
    """Call the function once on a new thread, which then ends. Raise ThreadError."""
    with attributes() as made, signals_blocked(how.block_signals):
        if how.stack is not None:
            check(libc().pthread_attr_setstacksize(made, ctypes.c_size_t(how.stack)))
        job = _Job(function, name)
        keep(job)
        create(made, _entry(), ctypes.py_object(job))


def create(made: Any, start: Any, argument: Any) -> None:
    ident = ctypes.c_ulong()
    check(libc().pthread_create(ctypes.byref(ident), made, start, argument))


@contextlib.contextmanager
def attributes() -> Iterator[Any]:
    """Yield a `pthread_attr_t` of a thread that nobody waits for."""
    made = (ctypes.c_char * _ATTRIBUTES)()
    check(libc().pthread_attr_init(made))
    try:
        check(libc().pthread_attr_setdetachstate(made, _DETACHED))
        yield made
    finally:
        libc().pthread_attr_destroy(made)


def check(error: int) -> None:
    if error:
        raise ThreadError(error, f"no native thread could be made: {os.strerror(error)}")


def keep(thing: object) -> None:
    """Let a thing that C refers to live on, whatever Python forgets."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def set_kernel_name(name: str) -> None:
    """Name this thread, as C code does, in the kernel's list only."""
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
    # One for all threads: its memory is code that a thread may still return through, and is never to be freed.
    return _ENTRY(_run)


def _run(job: _Job) -> None:
    try:
        job.run()
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(job))
