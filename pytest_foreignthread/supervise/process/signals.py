"""Keeping ^C, time-outs and other signals out of the moments in which a child could be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, TypeVar

from ...model.fault_signals import FAULTS, numbers_of

T = TypeVar("T")

SYNCHRONOUS = frozenset(numbers_of(FAULTS))
"""Signals of a fault of the thread itself: blocked, they kill without a word."""
# The named ones only: Python takes its time over the many real-time signals, and this is done at each wait.
_HELD = frozenset(signal.Signals) - SYNCHRONOUS


class SignalsHeld:
    """As a context: signals wait, and no handler raises, but where they are let through.

    Blocking them is not enough: beside other threads, one of those takes the signal, and the main thread runs the
    handler. So the handlers themselves are put off. A handler's exception is raised once all is as it was.
    """

    def __init__(self) -> None:
        self._mask: set[int] = set()
        self._handlers: dict[int, Any] = {}
        self._put_off: set[int] = set()

    def __enter__(self) -> SignalsHeld:
        self._mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}
        if threading.current_thread() is threading.main_thread():
            self._handlers = dict(_python_handlers())
        try:
            retry_interrupted(self._hold)
        except BaseException:
            retry_interrupted(self._let_through)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        retry_interrupted(self._let_through)

    def let_through(self, action: Callable[[], T]) -> T:
        """Do what may be interrupted; it may raise what the handlers of signals raise that waited."""
        try:
            retry_interrupted(self._let_through)
            return action()
        finally:
            retry_interrupted(self._hold)

    def restore_in_child(self) -> None:
        """What waits is the parent's."""
        self._put_off.clear()
        retry_interrupted(self._let_through)

    def _hold(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
        for number in self._handlers:
            signal.signal(number, self._note)

    def _let_through(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        while self._put_off:
            signal.raise_signal(self._put_off.pop())

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._put_off.add(number)


def retry_interrupted(action: Callable[[], object], attempts: int = 4) -> None:
    """Do all of an action that may be begun again, though handlers raise in the midst of it; then let that out."""
    try:
        action()
    # Whatever a handler raises, KeyboardInterrupt and pytest-timeout's own among it.
    except BaseException:
        if attempts > 1:
            retry_interrupted(action, attempts - 1)
        raise


def _python_handlers() -> Iterator[tuple[int, Any]]:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if callable(handler):
            yield int(number), handler
