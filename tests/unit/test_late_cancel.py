"""Calls whose Java future is cancelled after they have begun, with Java's classes replaced: no JVM is here."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.child import foreign_calls
from pytest_foreignthread.child.alternate_stack import AlternateStacks
from pytest_foreignthread.child.bridge_errors import CalledAgainError, NotCalledError
from pytest_foreignthread.child.debugger.debugging import Debugging
from pytest_foreignthread.child.foreign_calls import ForeignThread
from pytest_foreignthread.child.java import java_launchers
from pytest_foreignthread.child.shaken import Shaken
from pytest_foreignthread.child.state import ChildState
from pytest_foreignthread.model.modes import OwnMode
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.stress.schedule import Schedule

LONG: Final = 60.0
SHORT: Final = 1e-6

Run = Callable[[], object]


class ExecutionError(Exception):
    """As java.util.concurrent.ExecutionException."""

    def getCause(self) -> BaseException:
        assert self.__cause__ is not None
        return self.__cause__


class FutureTask:
    """As Java's: after `cancel` it is done at once, and what it runs goes on."""

    def __init__(self, runnable: Any, value: None) -> None:
        self.runnable = runnable
        self.done, self.cancelled = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        runnable = self.runnable
        assert runnable is not None, "cancelled before the call has begun"
        try:
            runnable.run()
        except BaseException as error:
            self._error = error
        self._end(self.done)

    def cancel(self, may_interrupt: bool) -> bool:
        assert not may_interrupt
        return self._end(self.cancelled, self.done)

    def _end(self, *events: threading.Event) -> bool:
        with self._lock:
            if self.done.is_set():
                return False
            self.runnable = None
            for event in events:
                event.set()
            return True

    def isDone(self) -> bool:
        return self.done.is_set()

    def get(self) -> None:
        self.done.wait()
        assert not self.cancelled.is_set(), "CancellationException"
        if self._error is not None:
            raise ExecutionError from self._error


class JavaThread:
    """As java.lang.Thread."""

    joined: Final[list[str]] = []

    def __init__(self, group: None, task: FutureTask, name: str, size: int) -> None:
        self._thread = threading.Thread(target=task.run, name=name)
        self.start = self._thread.start

    def join(self, milliseconds: int) -> None:
        self._thread.join(LONG)
        self.joined.append(self._thread.name)

    @staticmethod
    def currentThread() -> Any:
        return SimpleNamespace(isInterrupted=lambda: False)


CLASSES: Final = {
    "java.util.concurrent.FutureTask": FutureTask,
    "java.util.concurrent.ExecutionException": ExecutionError,
    "java.lang.Thread": JavaThread,
    "java.lang.InterruptedException": InterruptedError,
}


class Mode:
    """A mode of a project, and its bridge: `launched` are the futures that the launcher has got."""

    def __init__(self, run: Callable[[Run], object] = lambda function: function(), *, in_place: bool = False) -> None:
        self._run = run
        self._in_place = in_place
        self.launched: list[FutureTask] = []

    def launch(self, task: FutureTask) -> None:
        self.launched.append(task)
        if self._in_place:
            task.run()
        else:
            threading.Thread(target=task.run, daemon=True).start()

    def bridge(self, function: Run) -> Any:
        return SimpleNamespace(run=lambda: self._run(function))

    def was_cancelled(self) -> list[bool]:
        return [task.cancelled.is_set() for task in self.launched]

    def wait_until_cancelled(self) -> None:
        for task in self.launched:
            assert task.cancelled.wait(LONG)


MakeThreads = Callable[..., ForeignThread]


@pytest.fixture
def threads_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeThreads:
    java = SimpleNamespace(
        is_started=lambda: True, java=CLASSES.__getitem__, runnable=lambda made: made, python_exception=lambda e: e
    )
    monkeypatch.setattr(java_launchers, "jvm", java)

    def made(mode: Mode, delay: float, threads: int = 1, *, needs_jvm: bool = True) -> ForeignThread:
        sender: Any = type("Silent", (Sender,), {"__init__": lambda self: None, "send": lambda self, *_, **__: None})()
        own = {"mine": OwnMode(mode.launch if needs_jvm else lambda task: task(), needs_jvm=needs_jvm)}
        settings = Settings("mine", "mine", LONG, Jvm(tmp_path, "25", "a fake"), own_modes=own, stress_threads=threads)
        shaken = Shaken(Schedule(1, cancel_delay=delay).as_data(), has_jvm=True)
        nothing: Any = None
        state = ChildState(
            settings, tmp_path, sender, nothing, AlternateStacks(), Debugging(tmp_path, sender), nothing, shaken=shaken
        )
        return ForeignThread(mode.bridge, state, "mine")

    return made


def test_a_call_goes_on_when_its_future_is_cancelled(threads_of: MakeThreads) -> None:
    mode = Mode()

    def body() -> int:
        mode.wait_until_cancelled()
        return 3

    assert threads_of(mode, SHORT).call(body) == 3
    assert threads_of(mode, SHORT).call_body(body, "mine") == 3
    assert mode.was_cancelled() == [True, True]
    assert mode.launched[0].runnable is None


def test_a_call_that_ends_before_returns_to_java_after_the_cancel(threads_of: MakeThreads) -> None:
    seen: list[bool] = []

    def run(function: Run) -> None:
        function()
        seen.extend(mode.was_cancelled())

    mode = Mode(run)
    assert threads_of(mode, LONG).call(lambda: 3) == 3
    assert seen == [True]


def test_what_a_cancelled_call_raises_is_its_result(threads_of: MakeThreads) -> None:
    mode = Mode()

    def body() -> None:
        mode.wait_until_cancelled()
        raise ValueError("of the body")

    with pytest.raises(ValueError, match="of the body"):
        threads_of(mode, SHORT).call(body)


def test_what_the_bridge_does_after_the_cancel_is_seen(threads_of: MakeThreads) -> None:
    def raises(function: Run) -> None:
        function()
        raise ValueError("of the bridge")

    def calls_again(function: Run) -> None:
        function()
        function()

    mode, other = Mode(raises), Mode(calls_again)
    with pytest.raises(ValueError, match="of the bridge"):
        threads_of(mode, SHORT).call(lambda: None)
    with pytest.raises(CalledAgainError):
        threads_of(other, SHORT).call(lambda: None)
    assert mode.was_cancelled() == other.was_cancelled() == [True]


def test_the_end_of_a_cancelled_calls_thread_is_awaited(threads_of: MakeThreads) -> None:
    JavaThread.joined.clear()
    assert threads_of(Mode(), SHORT).call(threading.current_thread, mode="new").name == "foreign-1"
    assert JavaThread.joined == ["foreign-1"]


def test_a_call_is_not_cancelled_before_it_begins(threads_of: MakeThreads) -> None:
    def comes_late(function: Run) -> None:
        assert not mode.launched[0].cancelled.wait(0.05)
        function()

    mode = Mode(comes_late)
    assert threads_of(mode, SHORT).call(lambda: 3) == 3
    assert mode.was_cancelled() == [True]


def test_a_call_that_never_begins_is_not_cancelled(threads_of: MakeThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_calls, "_LOOKS", (0.01,))
    monkeypatch.setattr(foreign_calls, "_GRACE", 0.01)
    mode = Mode(lambda function: None)
    with pytest.raises(NotCalledError):
        threads_of(mode, SHORT).call(lambda: None)
    assert mode.was_cancelled() == [False]


def test_calls_at_once_are_all_cancelled(threads_of: MakeThreads) -> None:
    mode = Mode()

    def body() -> int:
        mode.wait_until_cancelled()
        return threads.index

    threads = threads_of(mode, SHORT, 3)
    assert [ended.value for ended in threads.call_at_once(body)] == [0, 1, 2]
    assert mode.was_cancelled() == [True] * 3


def test_a_call_on_the_launching_thread_waits_for_no_cancel(threads_of: MakeThreads) -> None:
    mode = Mode(in_place=True)
    # A wait of endless seconds would be an OverflowError.
    assert threads_of(mode, math.inf).call(lambda: 3) == 3
    assert mode.was_cancelled() == [False]


def test_submitted_calls_and_calls_without_a_java_future_are_not_cancelled(
    threads_of: MakeThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_calls, "LateCancel", None)
    mode = Mode()
    threads = threads_of(mode, LONG)
    assert threads.submit(lambda: 3).result(LONG) == 3
    assert mode.was_cancelled() == [False]
    for other in ("main", "same", "python", "native", "native-pool"):
        assert threads.call(lambda: 3, mode=other) == 3
    assert threads_of(mode, LONG, needs_jvm=False).call(lambda: 3) == 3
    with pytest.raises(ValueError, match="expected one of"):
        threads.call(lambda: 3, mode="elsewhere")
