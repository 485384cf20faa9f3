"""Runs a function on the main thread, or on the foreign thread that the mode names."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from ..model.choices import MODES
from .bridge_errors import CalledAgainError, NotCalledError
from .callback import Bridge, Callback
from .debugger.prompt_reader import is_done
from .launchers import Launchers
from .state import ChildState
from .tasks import Task

T = TypeVar("T")

_LOOKS: Final = (0.1, 0.2, 0.4, 0.8)
"""Seconds between checks whether the caller's side has ended without a call of the function; the last value repeats."""
_GRACE: Final = 1.0
"""Seconds to wait for the call after the bridge's Runnable has ended: a bridge may pass the call to another thread."""


class MainInterruptedError(Exception):
    """The main thread, on which signal handlers run, raised KeyboardInterrupt; the body did not."""


class ForeignThread:
    """Runs functions on foreign threads, on Java threads through a bridge. `mode` is the default mode of a call."""

    def __init__(self, bridge: Bridge, state: ChildState, mode: str) -> None:
        self._bridge = bridge
        self._state = state
        self._mode = mode
        self._lines = state.debugging.lines
        self._launchers = Launchers(state.settings)
        state.launchers.append(self._launchers)
        self._submitted: list[tuple[Callback[Any], Task | None]] = []

    def call(self, function: Callable[..., T], /, *args: Any, mode: str | None = None, **kwargs: Any) -> T:
        """Call the function on a foreign thread; return its value or raise its exception with the original traceback.

        Raise BridgeError if the bridge did not call the function exactly once, and whatever the bridge itself raised.
        """
        __tracebackhide__ = True
        return self._result(*self._start(functools.partial(function, *args, **kwargs), mode))

    def call_body(self, function: Callable[[], T], mode: str) -> T:
        """Call the body of a test. A signal that the body sends interrupts the main thread and not the run.

        Raise MainInterruptedError in that case, after the body has ended.
        """
        __tracebackhide__ = True
        callback = self._callback(function)
        try:
            return self._result(callback, self._launch(callback, mode))
        except KeyboardInterrupt as error:
            bodys_own = callback.future.done() and callback.future.exception() is error
            if bodys_own or not callback.calls:
                raise
            self._lines.wait(callback.future)
            raise MainInterruptedError(
                f"KeyboardInterrupt on the main thread, which runs the handlers of signals; the body ran in mode {mode}"
            ) from callback.future.exception()

    def _result(self, callback: Callback[T], task: Task | None) -> T:
        __tracebackhide__ = True
        # To wait in Python, and not in Java's get(), lets the main thread run signal handlers, as it does in any test.
        with self._lines.attended():
            for seconds in itertools.chain(_LOOKS, itertools.repeat(_LOOKS[-1])):
                if self._lines.wait(callback.future, seconds) or _has_ended(task):
                    break
        if not callback.future.done() or callback.future.exception() is None:
            if task is not None:
                task.result()
            _demand_one_call(callback)
            self._lines.wait(callback.future)
            self._launchers.let_end(task)
        # `future.result()` would add its own frames to the traceback.
        if (error := callback.future.exception()) is not None:
            raise error
        return callback.future.result()

    def submit(self, function: Callable[..., T], /, *args: Any, mode: str | None = None, **kwargs: Any) -> Future[T]:
        """Start the function and return its future at once.

        If the future is cancelled before the call begins, the function does not run.
        """
        __tracebackhide__ = True
        callback, task = self._start(functools.partial(function, *args, **kwargs), mode)
        self._submitted.append((callback, task))
        return callback.future

    def check(self) -> None:
        """Raise the error of the caller's side of each `submit` that has ended; nothing else waits for that side.

        An error is what the side raised, or a function that was not called exactly once.
        """
        __tracebackhide__ = True
        for callback, task in self._submitted:
            if _has_ended(task):
                if task is not None:
                    task.result()
                _demand_one_call(callback)

    def _start(self, function: Callable[[], T], mode: str | None) -> tuple[Callback[T], Task | None]:
        """Return the callback of the function and the task that calls it; the task is None if the call is done."""
        __tracebackhide__ = True
        callback = self._callback(function)
        return callback, self._launch(callback, mode)

    def _callback(self, function: Callable[[], T]) -> Callback[T]:
        state = self._state
        if state.shaken is not None:
            function = state.shaken.around(function)
        return Callback(function, state.sender, state.stacks, state.alternate, state.values, state.thread_names)

    def _launch(self, callback: Callback[Any], mode: str | None) -> Task | None:
        __tracebackhide__ = True
        mode = self._mode if mode is None else mode
        modes = (*MODES, *self._state.settings.own_modes)
        if mode not in modes:
            raise ValueError(f"mode={mode!r}: expected one of {', '.join(map(repr, modes))}")
        if self._state.shaken is not None:
            self._state.shaken.before_submit()
        return self._launchers.launch(mode, callback, self._bridge)


def _has_ended(task: Task | None) -> bool:
    return task is None or task.is_done()


def _demand_one_call(callback: Callback[Any]) -> None:
    __tracebackhide__ = True
    if not is_done(callback.future, _GRACE) and callback.future.cancel():
        raise NotCalledError("the bridge's Runnable ended without having called the Python function")
    if callback.calls > 1:
        raise CalledAgainError(f"the bridge called the Python function {callback.calls} times; it ran the first time")
