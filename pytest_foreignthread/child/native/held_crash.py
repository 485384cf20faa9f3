"""A crash that waits to be looked at, in a child without a JVM: HotSpot, where there is one, does that itself.

libc's `pause` is the handler below faulthandler's. faulthandler writes its dump, puts the handler below back and raises
the signal again: so the thread that crashed waits, on the stack on which it crashed. The supervisor sees a thread
that waits so, looks at it, and sends the signal once more, which by then has its default action.
"""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path

from ...model.settings import CRASH_FIFO, HELD_SIGNALS, held_mask
from ...supervise.process.libc import libc_under_gil
from ...supervise.process.sigactions import Action, is_known, set_action

_SA_ONSTACK = 0x08000000
_SA_NODEFER = 0x40000000
_SA_RESETHAND = 0x80000000


def is_wanted(folder: Path) -> bool:
    """Return whether a supervisor waits for a crash; `folder` is the child's scratch directory."""
    return is_known() and (folder / CRASH_FIFO).is_fifo()


def hold_crashes() -> None:
    """Call before faulthandler is enabled, which remembers what it finds."""
    pause = ctypes.cast(libc_under_gil().pause, ctypes.c_void_p).value
    # Signals that would wake the thread are blocked meanwhile; the mask tells the supervisor what it sees.
    mask = (ctypes.c_uint64 * 16)(held_mask())
    flags = ctypes.c_int(_SA_ONSTACK | _SA_NODEFER | _SA_RESETHAND).value
    for number in HELD_SIGNALS:
        set_action(number, Action(pause, mask, flags, None))


def let_go_of_crashes() -> None:
    """Call in a process that a test forked, which no one looks at; faulthandler is not enabled there."""
    for number in HELD_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
