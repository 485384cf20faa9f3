"""Attributes that the creator of a thread decides: the size of the stack, and the blocked signals."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_FATAL: Final = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT})
"""A thread that blocks one of these signals and raises it is killed without its handler: there is no evidence."""


@dataclass(frozen=True)
class ThreadAttributes:
    stack: int | None = None
    """Bytes; None for the system's default."""
    block_signals: bool = False


@contextlib.contextmanager
def signals_blocked(wanted: bool) -> Iterator[None]:
    """Block all signals except the fatal ones, if `wanted`: a new thread inherits the signal mask of its creator."""
    if not wanted:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FATAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
