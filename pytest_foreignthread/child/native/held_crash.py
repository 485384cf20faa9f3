"""A crash that waits for the supervisor, in a child without a JVM; a HotSpot JVM does this itself, by OnError.

libc's `pause` is installed as the handler below faulthandler's. faulthandler restores the handler below, writes its
dump, and raises the signal again. So the thread that crashed waits, on the stack on which it crashed, and so does each
other thread that crashes meanwhile. The supervisor recognizes the threads, looks at them, and kills the process.
"""

from __future__ import annotations

import ctypes
import signal
from pathlib import Path

from ...model.settings import CRASH_FIFO, HELD_SIGNALS, held_mask
from ...supervise.process.libc import libc_under_gil
from ...supervise.process.sigactions import Action, is_known, set_action

# The kernel's numbers of flags that Python's `signal` lacks. With SIGINFO the kernel writes on the stack which signal
# it is, and what caused it. With NODEFER a thread that waits here is not killed by another fault signal.
_SA_SIGINFO = 0x4
_SA_ONSTACK = 0x08000000
_SA_NODEFER = 0x40000000


def is_wanted(folder: Path) -> bool:
    """Return whether a supervisor waits for a crash; `folder` is the scratch directory of the child."""
    return is_known() and (folder / CRASH_FIFO).is_fifo()


def hold_crashes() -> None:
    """Install `pause` as the handler of fatal signals.

    Call before faulthandler is enabled, which saves the handler that it finds.
    """
    # Blocks the signals that would wake the thread; the supervisor recognizes the thread by this mask.
    mask = (ctypes.c_uint64 * 16)(held_mask())
    for number in HELD_SIGNALS:
        set_action(number, Action(pause(), mask, _SA_ONSTACK | _SA_NODEFER | _SA_SIGINFO, None))


def pause() -> int:
    """Return the address of libc's `pause`."""
    return ctypes.cast(libc_under_gil().pause, ctypes.c_void_p).value or 0


def let_go_of_crashes() -> None:
    """Restore the default actions in a process that a test forked, at which no supervisor looks.

    faulthandler must be disabled before.
    """
    for number in HELD_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
