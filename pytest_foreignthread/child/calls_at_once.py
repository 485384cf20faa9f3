"""The calls of a test function on several foreign threads at once: their common start, and how each of them ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

_LONGEST: Final = 10.0
"""Seconds at most until all threads must be there."""


@dataclass(frozen=True)
class Ended:
    """How a call ended: the function's value, or what the call raised."""

    value: object
    error: BaseException | None


class CallsAtOnce:
    """The calls of one test function. Each waits until all of them are on their threads."""

    def __init__(self, mode: str, count: int, limit: float) -> None:
        """`limit` is the limit of the test's body in seconds: the calls wait for each other for half of it at most."""
        self._mode = mode
        self._seconds = min(limit / 2, _LONGEST)
        self._barrier = threading.Barrier(count)
        self._there = 0
        self._indexes: dict[int, int] = {}
        """By `threading.get_ident()`, while the call runs."""

    @property
    def index(self) -> int | None:
        """The number of the call that runs on this thread, from 0; None if none does."""
        return self._indexes.get(threading.get_ident())

    def call(self, index: int, function: Callable[[], T]) -> Callable[[], T]:
        """Return the call of that number, for its thread. It fails if too few threads come."""

        def called() -> T:
            __tracebackhide__ = True
            self._wait()
            thread = threading.get_ident()
            self._indexes[thread] = index
            try:
                return function()
            finally:
                del self._indexes[thread]

        return called

    def give_up(self) -> None:
        """Let the calls that wait end without the function: some of the threads do not come."""
        self._barrier.abort()

    def _wait(self) -> None:
        __tracebackhide__ = True
        if not self._barrier.broken:
            # Threads may count at the same time: the number is only for the text of the error.
            self._there += 1
        try:
            self._barrier.wait(self._seconds)
        except threading.BrokenBarrierError:
            text = (
                f"expected {self._barrier.parties} calls at once, got {self._there} in {self._seconds:g} s: the mode "
                f"{self._mode!r} has too few threads; mark the test with stress_threads={max(self._there, 1)}, or give "
                "the mode as OwnMode(launcher, has_one_thread=True)"
            )
            raise pytest.fail.Exception(text, pytrace=False) from None
