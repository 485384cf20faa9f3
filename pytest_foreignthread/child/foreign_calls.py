"""Runs a function on the main thread, or on the foreign thread that the mode names."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from ..model.choices import MODES
from ..model.modes import has_one_thread, mode_needs_jvm
from ..model.outcomes import Phase
from ..stress.schedule import Schedule
from .bridge_errors import CalledAgainError, NotCalledError
from .callback import Bridge, Callback
from .calls_at_once import CallsAtOnce, Ended
from .debugger.prompt_reader import is_done
from .late_cancel import LateCancel
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
        schedule = Schedule(0) if state.shaken is None else state.shaken.schedule
        self._cancel_delay = schedule.cancel_delay
        self._launchers = Launchers(
            state.settings, drops_callable=schedule.drops_callable, cancels=bool(schedule.cancel_delay)
        )
        state.launchers.append(self._launchers)
        self._submitted: list[tuple[Callback[Any], Task | None]] = []
        self._at_once: CallsAtOnce | None = None
        """The calls of the body that runs on several threads."""

    @property
    def threads(self) -> int:
        """How many threads run the body at once: 1, or `stress_threads` in a round of a stressed test."""
        return self._state.settings.stress_threads

    @property
    def index(self) -> int:
        """The number of this thread among those that run the body at once, from 0.

        Raise RuntimeError on another thread, such as that of the fixtures, if the body runs on several.
        """
        if self.threads == 1:
            return 0
        found = None if self._at_once is None else self._at_once.index
        if found is None:
            raise RuntimeError(
                f"foreign_thread.index: expected one of the {self.threads} threads that run the body, "
                "got another one; fixtures are set up once, for all of them"
            )
        return found

    def call(self, function: Callable[..., T], /, *args: Any, mode: str | None = None, **kwargs: Any) -> T:
        """Call the function on a foreign thread; return its value or raise its exception with the original traceback.

        Raise BridgeError if the bridge did not call the function exactly once, and whatever the bridge itself raised.
        """
        __tracebackhide__ = True
        callback = self._callback(_call_of(function, args, kwargs), self._late_cancel(mode))
        task = self._launch(callback, mode)
        self._cancel_late([(callback, task)])
        return self._result(callback, task)

    def call_body(self, function: Callable[[], T], mode: str) -> T:
        """Call the body of a test. A signal that the body sends interrupts the main thread and not the run.

        Raise MainInterruptedError in that case, after the body has ended.
        """
        __tracebackhide__ = True
        callback = self._callback(function, self._late_cancel(mode))
        try:
            task = self._launch(callback, mode)
            self._cancel_late([(callback, task)])
            return self._result(callback, task)
        except KeyboardInterrupt as error:
            if _is_of_body(callback, error) or not callback.calls:
                raise
            self._lines.wait(callback.future)
            raise _main_interrupted(mode) from callback.future.exception()

    def call_at_once(self, function: Callable[[], object]) -> list[Ended]:
        """Call a test function on all threads of the body at once; return how each call ended, by the thread's index.

        Raise MainInterruptedError as `call_body` does, and what prevents a call from being launched.
        """
        __tracebackhide__ = True
        settings = self._state.settings
        at_once = self._at_once = CallsAtOnce(settings.mode, self.threads, settings.limit(Phase.CALL))
        shaken = self._state.shaken
        functions = [function if shaken is None else shaken.around(function, apart=True) for _ in range(self.threads)]
        callbacks = [
            self._unshaken_callback(at_once.call(index, one), self._late_cancel(settings.mode))
            for index, one in enumerate(functions)
        ]
        try:
            calls = list(zip(callbacks, self._launch_all(callbacks, at_once), strict=True))
            self._cancel_late(calls)
            return [self._ended(callback, task) for callback, task in calls]
        except KeyboardInterrupt:
            if not any(callback.calls for callback in callbacks):
                raise
            for callback in callbacks:
                self._lines.wait(callback.future)
            raise _main_interrupted(settings.mode) from None

    def _launch_all(self, callbacks: Sequence[Callback[object]], at_once: CallsAtOnce) -> list[Task | None]:
        __tracebackhide__ = True
        mode = self._state.settings.mode
        tasks: list[Task | None] = []
        try:
            # The delay at submit is for all of them: only the first call is shaken.
            tasks.append(self._launch(callbacks[0], mode))
            tasks.extend(self._launchers.launch(mode, callback, self._bridge) for callback in callbacks[1:])
        except BaseException:
            at_once.give_up()
            for callback in callbacks[len(tasks) :]:
                callback.future.cancel()
            raise
        return tasks

    def _ended(self, callback: Callback[object], task: Task | None) -> Ended:
        __tracebackhide__ = True
        try:
            return Ended(self._result(callback, task), None)
        # Whatever a body raises is its result.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not _is_of_body(callback, error):
                raise
            return Ended(None, error)

    def _late_cancel(self, mode: str | None) -> LateCancel | None:
        """Return the cancel of a call in that mode; None in a round without, and for a call on the caller's thread."""
        mode, own = mode or self._mode, self._state.settings.own_modes
        if not self._cancel_delay or self._is_here(mode) or not (mode in MODES or mode in own):
            return None
        return LateCancel(self._cancel_delay) if mode_needs_jvm(mode, own) else None

    def _cancel_late(self, calls: Sequence[tuple[Callback[Any], Task | None]]) -> None:
        __tracebackhide__ = True
        late = [(callback.late_cancel, task) for callback, task in calls if callback.late_cancel is not None]
        if not late:
            return
        with self._lines.attended():
            for cancel, task in late:
                self._wait(cancel.begun, task)
            # The end of a call ends the delay: the call is then on its way back to Java.
            self._lines.wait(calls[0][0].future, self._cancel_delay)
        for cancel, task in late:
            self._launchers.cancel(task)
            cancel.end()

    def _wait(self, future: Future[Any], task: Task | None) -> None:
        """Wait for the future; if it is not done, until the side that makes the call has ended."""
        __tracebackhide__ = True
        # To wait in Python, and not in Java's get(), lets the main thread run signal handlers, as it does in any test.
        for seconds in itertools.chain(_LOOKS, itertools.repeat(_LOOKS[-1])):
            if self._lines.wait(future, seconds) or _has_ended(task):
                break

    def _result(self, callback: Callback[T], task: Task | None) -> T:
        __tracebackhide__ = True
        with self._lines.attended():
            self._wait(callback.future, task)
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
        callback = self._callback(_call_of(function, args, kwargs))
        self._submitted.append((callback, self._launch(self._late(callback, mode or self._mode), mode)))
        return callback.future

    def _late(self, callback: Callback[Any], mode: str) -> Callable[[], None]:
        shaken = self._state.shaken
        # On the submitter's own thread a delay would make nothing late.
        return callback if shaken is None or self._is_here(mode) else shaken.late(callback)

    def _is_here(self, mode: str) -> bool:
        """Return whether the mode is one of the plugin's that calls on the caller's thread."""
        return mode in MODES and has_one_thread(mode, self._state.settings.own_modes)

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

    def _callback(self, function: Callable[[], T], cancel: LateCancel | None = None) -> Callback[T]:
        shaken = self._state.shaken
        return self._unshaken_callback(function if shaken is None else shaken.around(function), cancel)

    def _unshaken_callback(self, function: Callable[[], T], cancel: LateCancel | None = None) -> Callback[T]:
        state = self._state
        return Callback(function, state.sender, state.stacks, state.alternate, state.values, state.thread_names, cancel)

    def _launch(self, callback: Callable[[], None], mode: str | None) -> Task | None:
        """Return the task that calls the callback; None if the call is done."""
        __tracebackhide__ = True
        mode = self._mode if mode is None else mode
        modes = (*MODES, *self._state.settings.own_modes)
        if mode not in modes:
            raise ValueError(f"mode={mode!r}: expected one of {', '.join(map(repr, modes))}")
        if self._state.shaken is not None:
            self._state.shaken.before_submit()
        return self._launchers.launch(mode, callback, self._bridge)


def _is_of_body(callback: Callback[Any], error: BaseException) -> bool:
    return callback.future.done() and callback.future.exception() is error


def _main_interrupted(mode: str) -> MainInterruptedError:
    return MainInterruptedError(
        f"KeyboardInterrupt on the main thread, which runs the handlers of signals; the body ran in mode {mode}"
    )


def _has_ended(task: Task | None) -> bool:
    return task is None or task.is_done()


def _demand_one_call(callback: Callback[Any]) -> None:
    __tracebackhide__ = True
    if not is_done(callback.future, _GRACE) and callback.future.cancel():
        raise NotCalledError("the bridge's Runnable ended without having called the Python function")
    if callback.calls > 1:
        raise CalledAgainError(f"the bridge called the Python function {callback.calls} times; it ran the first time")


def _call_of(function: Callable[..., T], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[], T]:
    """Return the call; raise TypeError for `foreign_thread.call(f())` in place of `foreign_thread.call(f)`."""
    __tracebackhide__ = True
    if not callable(function):
        raise TypeError(f"expected a callable and its arguments, got {function!r}")
    return functools.partial(function, *args, **kwargs)
