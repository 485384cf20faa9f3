"""What the maker of a thread decides of it: the size of its stack, and the signals that it blocks."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_FATAL: Final = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT})
"""A thread that blocks one of them dies of it without a word."""


@dataclass(frozen=True)
class ThreadAttributes:
    stack: int | None = None
    """Bytes; None for the system's choice."""
    block_signals: bool = False


@contextlib.contextmanager
def signals_blocked(wanted: bool) -> Iterator[None]:
    """Block all signals but those of a crash: a new thread inherits what its maker blocks."""
    if not wanted:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FATAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
