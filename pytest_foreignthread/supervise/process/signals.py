"""Putting off ^C, timeouts and other signals in the moments in which a child could be lost.

A signal handler of Python's may raise between any two instructions. If it raises between os.fork() and the line that
stores the pid, nobody knows the new process. So its handler runs after that.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, TypeVar

from ...model.fault_signals import FAULTS, numbers_of
from .processes import caught_signals

T = TypeVar("T")

SYNCHRONOUS = frozenset(numbers_of(FAULTS))
"""The signals of a thread's own fault. They are never blocked: the kernel kills a process that has a fault while the
signal of the fault is blocked, and faulthandler writes nothing.
"""
# The named signals only: Python is slow over the many real-time signals, and each child sets the mask several times.
_HELD = frozenset(signal.Signals) - SYNCHRONOUS
_LASTS = "foreign_thread_lasts"
"""The attribute of an error that has ended the last attempt."""
_VALID = tuple(sorted(map(int, signal.valid_signals())))


class SignalsHeld:
    """A context in which signals wait and no signal handler runs, except within `let_through`.

    A mask is not enough: the kernel hands a signal that this thread blocks to another thread, and Python then runs the
    handler on the main thread. Replacing the handlers is not enough either: a default action, SIGTERM's for example,
    would end the process and leave the child. So signals are blocked and Python's handlers are replaced by one that
    notes the signal. What has waited is raised at the end, with mask and handlers restored, and only then may a handler
    raise an exception.
    """

    def __init__(self) -> None:
        self._mask: set[int] = set()
        self._handlers: dict[int, Any] = {}
        self._put_off: set[int] = set()

    def __enter__(self) -> SignalsHeld:
        self._mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}
        # On any other thread no handler runs, and none can be set.
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
        """Call `action` with mask and handlers restored and return its result; the signals that waited come first.

        Raise what `action` or a signal handler raises.
        """
        try:
            retry_interrupted(self._let_through)
            return action()
        finally:
            retry_interrupted(self._hold)

    def restore_in_child(self) -> None:
        """Restore mask and handlers in a forked child, and drop the signals that wait: they were sent to the parent."""
        self._put_off.clear()
        retry_interrupted(self._let_through)

    def _hold(self) -> None:
        # The mask first: while the handlers are replaced one by one, a signal could meet one of the user's.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
        for number in self._handlers:
            signal.signal(number, self._note)

    def _let_through(self) -> None:
        # In the reverse order: a signal that the mask lets through must meet the handler that was there before.
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        while self._put_off:
            signal.raise_signal(self._put_off.pop())

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._put_off.add(number)


def retry_interrupted(action: Callable[[], object], attempts: int = 4) -> None:
    """Call `action` until it has run to its end, though signal handlers may interrupt it; then raise what they raised.

    `action` must be repeatable: it may be interrupted anywhere and is then called again, `attempts` times at most. An
    error that ends the last of these calls is the action's own. An enclosing call of this function raises that error
    at once: the attempts would multiply, and each may take seconds.
    """
    try:
        action()
    # A handler may raise anything, KeyboardInterrupt and pytest-timeout's exception among it.
    except BaseException as error:
        if attempts > 1 and not hasattr(error, _LASTS):
            retry_interrupted(action, attempts - 1)
            raise
        # An exception's class may refuse further attributes.
        with contextlib.suppress(Exception):
            setattr(error, _LASTS, True)
        raise


def _python_handlers() -> Iterator[tuple[int, Any]]:
    # A signal without a handler in the kernel has none of Python's that could run. Python is slow over the many others.
    caught = caught_signals()
    for number in _VALID if caught is None else caught:
        handler = signal.getsignal(number)
        if callable(handler):
            yield number, handler
