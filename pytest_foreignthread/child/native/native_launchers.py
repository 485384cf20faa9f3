"""Launchers of callbacks onto threads that neither Python nor Java started."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from ..tasks import CallTask
from ..thread_attributes import ThreadAttributes
from .native_pool import NativePool
from .pthreads import start_thread, why_none


class NativeLaunchers:
    """The launchers of one test; `numbers` number the threads in their names, `size` is the most that a pool has."""

    def __init__(self, numbers: Iterator[int], how: ThreadAttributes, size: int) -> None:
        self._numbers = numbers
        self._size = size
        self._how = how
        self._pool: NativePool | None = None
        self._lock = threading.Lock()

    def on_new_thread(self, function: Callable[[], object]) -> CallTask:
        _skip_elsewhere("native")
        task = CallTask(function)
        start_thread(task, f"native-{next(self._numbers)}", self._how)
        return task

    def on_pool(self, function: Callable[[], object]) -> CallTask:
        _skip_elsewhere("native-pool")
        with self._lock:
            if self._pool is None:
                self._pool = NativePool("native-pool", self._how, self._size)
        task = CallTask(function)
        self._pool.execute(task)
        return task

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()


def _skip_elsewhere(mode: str) -> None:
    if (reason := why_none()) is not None:
        pytest.skip(f"mode {mode!r} {reason}")
