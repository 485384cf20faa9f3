"""A stack for signal handlers, so that a thread whose own stack is full still tells how it died.

HotSpot takes SIGSEGV on the stack of the thread that faults (its `sigaction` has no SA_ONSTACK). Where that is full the
kernel cannot begin the handler and ends the process without a word: no hs_err, no Python stacks.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Final

from ..model.fault_signals import MEMORY, numbers_of
from ..supervise.process.libc import libc_under_gil
from ..supervise.process.sigactions import action_of, is_known, set_action

_SIZE: Final = 512 * 1024
"""Bytes: HotSpot writes its error log there."""
# Python's default is shared with processes that are forked: HotSpot forks one from its handler, which runs there.
_PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
_SA_ONSTACK: Final = 0x08000000
_SA_SIGINFO: Final = 0x4
"""With it the kernel puts the faulting address on the stack, from which a supervisor reads it."""
_SS_DISABLE: Final = 2
_HANDLED: Final = numbers_of(MEMORY)


class _Stack(ctypes.Structure):
    """Linux's stack_t."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def handler_of(number: int) -> int | None:
    """Return the address of the handler of a signal, 0 for its default action; None off 64-bit Linux."""
    action = action_of(number) if is_known() else None
    return None if action is None else int(action.handler or 0)


class AlternateStacks:
    """Stacks for the threads on which Java calls Python; none off 64-bit Linux, of which the layouts are known."""

    def __init__(self) -> None:
        # It keeps the GIL: two short calls for each callback.
        self._libc = libc_under_gil() if is_known() else None
        self._free: list[mmap.mmap] = []

    def offer_to_handlers(self) -> None:
        """Let the handlers of SIGSEGV and SIGBUS, whoever set them, run on such a stack where a thread has one."""
        if self._libc is None:
            return
        for number in _HANDLED:
            action = action_of(number)
            if action is not None and action.handler:
                action.flags |= _SA_ONSTACK | _SA_SIGINFO
                set_action(number, action)

    def for_this_thread(self) -> _BorrowedStack:
        """Return a context in which this thread has an alternate stack that is large enough for HotSpot."""
        return _BorrowedStack(self._libc, self._free)


class _BorrowedStack:
    """No generator: its frame would stand in the traceback of what the block raises."""

    def __init__(self, libc: ctypes.PyDLL | None, free: list[mmap.mmap]) -> None:
        self._libc = libc
        self._free = free
        self._before = _Stack()
        self._memory: mmap.mmap | None = None

    def __enter__(self) -> None:
        if self._libc is None or self._libc.sigaltstack(None, ctypes.byref(self._before)) or _serves(self._before):
            return
        self._memory = self._free.pop() if self._free else mmap.mmap(-1, _SIZE, flags=_PRIVATE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._libc.sigaltstack(ctypes.byref(_Stack(start, 0, _SIZE)), None)

    def __exit__(self, *_raised: object) -> None:
        if self._libc is not None and self._memory is not None:
            self._libc.sigaltstack(ctypes.byref(self._before), None)
            self._free.append(self._memory)


def _serves(stack: _Stack) -> bool:
    return not stack.flags & _SS_DISABLE and int(stack.size) >= _SIZE
