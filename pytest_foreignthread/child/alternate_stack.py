"""A stack for signal handlers, so that a thread whose own stack is full still leaves evidence of its death.

HotSpot handles SIGSEGV on the stack of the thread that faults: it installs its handlers without SA_ONSTACK. If that
stack is full, the kernel cannot start the handler and kills the process: no hs_err file, no Python stacks.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Final

from ..model.fault_signals import HOTSPOTS, MEMORY, numbers_of
from ..supervise.process.libc import libc_under_gil
from ..supervise.process.sigactions import action_of, is_known, set_action

_SIZE: Final = 512 * 1024
"""Bytes: HotSpot writes its whole error log on this stack."""
# The default of Python's `mmap` is MAP_SHARED. HotSpot's handler forks a process for `-XX:OnError` while it runs on
# this stack; with shared memory, parent and child would overwrite each other's frames.
_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_SA_ONSTACK: Final = 0x08000000
_SA_SIGINFO: Final = 0x4
"""With this flag the kernel puts the siginfo, which has the faulting address, on the stack for the supervisor."""
_SS_DISABLE: Final = 2
_FLAGS: Final = {
    **dict.fromkeys(numbers_of(HOTSPOTS), _SA_SIGINFO),
    **dict.fromkeys(numbers_of(MEMORY), _SA_ONSTACK | _SA_SIGINFO),
}
"""The flags that the handlers get: only those of a bad address may find the thread's own stack full."""


class _Stack(ctypes.Structure):
    """The struct stack_t of Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def handler_of(number: int) -> int | None:
    """Return the address of a signal's handler, 0 for the default action; None outside 64-bit Linux."""
    action = action_of(number) if is_known() else None
    return None if action is None else int(action.handler or 0)


class AlternateStacks:
    """Alternate stacks for the main thread and for the threads of callbacks; none outside 64-bit Linux.

    The layouts of the C structures are known for 64-bit Linux only.
    """

    def __init__(self) -> None:
        # These functions keep the GIL: each callback makes two short calls, and to release the GIL could cost a long
        # wait.
        self._libc = libc_under_gil() if is_known() else None
        self._free: list[mmap.mmap] = []

    def offer_to_handlers(self) -> None:
        """Let the handlers of SIGSEGV and SIGBUS run on the alternate stack of a thread that has one.

        The kernel tells these handlers, and those of SIGFPE and SIGILL, whether the signal was sent or is of a fault.
        It does not matter who installed the handlers. Call after the JVM has started, because HotSpot installs its own.
        """
        if self._libc is None:
            return
        for number, flags in _FLAGS.items():
            action = action_of(number)
            if action is not None and action.handler:
                action.flags |= flags
                set_action(number, action)

    def for_this_thread(self) -> _BorrowedStack:
        """Return a context in which this thread has an alternate stack that is large enough for HotSpot."""
        return _BorrowedStack(self._libc, self._free)


class _BorrowedStack:
    """Lends a stack to this thread.

    This is a class and not a generator, whose frame would appear in the traceback of an exception from the block.
    """

    def __init__(self, libc: ctypes.PyDLL | None, free: list[mmap.mmap]) -> None:
        self._libc = libc
        self._free = free
        self._before = _Stack()
        self._memory: mmap.mmap | None = None

    def __enter__(self) -> None:
        if self._libc is None or self._libc.sigaltstack(None, ctypes.byref(self._before)) or _serves(self._before):
            return
        try:
            # Threads share the list: between a look at its length and the call, another one may take the last stack.
            self._memory = self._free.pop()
        except IndexError:
            self._memory = mmap.mmap(-1, _SIZE, flags=_PRIVATE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._libc.sigaltstack(ctypes.byref(_Stack(start, 0, _SIZE)), None)

    def __exit__(self, *_raised: object) -> None:
        if self._libc is not None and self._memory is not None:
            self._libc.sigaltstack(ctypes.byref(self._before), None)
            # Kept for the next thread, so that a callback need not map memory.
            self._free.append(self._memory)


def _serves(stack: _Stack) -> bool:
    return not stack.flags & _SS_DISABLE and int(stack.size) >= _SIZE
