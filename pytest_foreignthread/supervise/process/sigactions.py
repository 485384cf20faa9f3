"""The actions of signals, read and set by sigaction(2).

Python's `signal` module can neither return nor restore a handler that C code has set.
"""

from __future__ import annotations

import ctypes
import sys

from .libc import libc_under_gil


class Action(ctypes.Structure):
    """The struct sigaction of glibc and musl on 64-bit Linux.

    No platform has a larger one, and each has the handler first. So an action can be read and put back on every
    platform; the other fields have a meaning only where `is_known` is true.
    """

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_uint64 * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def is_known() -> bool:
    """Return whether `Action` has the layout of this platform."""
    return sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8


def action_of(number: int) -> Action | None:
    """Return the action of a signal; None if it cannot be read. POSIX only."""
    action = Action()
    return None if libc_under_gil().sigaction(number, None, ctypes.byref(action)) else action


def set_action(number: int, action: Action) -> None:
    """Set the action of a signal. POSIX only."""
    libc_under_gil().sigaction(number, ctypes.byref(action), None)
