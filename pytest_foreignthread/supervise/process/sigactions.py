"""Who answers a signal, as sigaction(2) has it."""

from __future__ import annotations

import ctypes
import sys

from .libc import libc_under_gil


class Action(ctypes.Structure):
    """struct sigaction of glibc and musl on 64 bits.

    No platform has a larger one, and each has the handler first: elsewhere an action can be read, and put back as it
    was.
    """

    _fields_ = (
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_uint64 * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


def is_known() -> bool:
    """Return whether the layout is that of this platform."""
    return sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8


def action_of(number: int) -> Action | None:
    """Return the action of a signal; None where it cannot be read. POSIX only."""
    action = Action()
    return None if libc_under_gil().sigaction(number, None, ctypes.byref(action)) else action


def set_action(number: int, action: Action) -> None:
    """Let a signal have an action. POSIX only."""
    libc_under_gil().sigaction(number, ctypes.byref(action), None)
