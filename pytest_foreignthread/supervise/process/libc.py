"""libc, opened once for each way of calling it.

ctypes decides by the class of the library object, CDLL or PyDLL, whether a call releases the GIL.
"""

from __future__ import annotations

import ctypes
import functools


@functools.cache
def libc() -> ctypes.CDLL:
    """Return libc with functions that release the GIL; POSIX only."""
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def libc_under_gil() -> ctypes.PyDLL:
    """Return libc with functions that keep the GIL, for calls that are short; POSIX only."""
    return ctypes.PyDLL(None)
