"""Calls that come late in a round, and callables to which only the project's code refers."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.child.alternate_stack import AlternateStacks
from pytest_foreignthread.child.debugger.debugging import Debugging
from pytest_foreignthread.child.foreign_calls import ForeignThread
from pytest_foreignthread.child.shaken import Shaken
from pytest_foreignthread.child.state import ChildState
from pytest_foreignthread.model.modes import OwnMode
from pytest_foreignthread.model.settings import Settings
from pytest_foreignthread.stress.schedule import Schedule

LATE: Final = 0.125


class Keeping:
    """A launcher that keeps only weak references to what it gets; `call` calls what still lives."""

    def __init__(self) -> None:
        self.got: list[weakref.ref[Any]] = []

    def __call__(self, task: Callable[[], object]) -> None:
        self.got.append(weakref.ref(task))

    def call(self) -> int:
        living = [one() for one in self.got]
        for task in living:
            if task is not None:
                task()
        return sum(task is not None for task in living)


def threads_of(tmp_path: Path, launcher: Callable[[Any], object], **schedule: Any) -> ForeignThread:
    sender: Any = type("Silent", (Sender,), {"__init__": lambda self: None, "send": lambda self, *_, **__: None})()
    own = {"mine": OwnMode(launcher, needs_jvm=False)}
    settings = Settings("mine", "mine", 60.0, None, own_modes=own)
    shaken = Shaken(Schedule(1, **schedule).as_data(), has_jvm=False)
    nothing: Any = None
    state = ChildState(
        settings, tmp_path, sender, nothing, AlternateStacks(), Debugging(tmp_path, sender), nothing, shaken=shaken
    )
    return ForeignThread(nothing, state, "mine")


@pytest.mark.parametrize(("drops", "living"), [(False, 1), (True, 0)])
def test_only_the_project_refers_to_a_dropped_callable(tmp_path: Path, drops: bool, living: int) -> None:
    launcher = Keeping()
    threads = threads_of(tmp_path, launcher, drops_callable=drops)
    future = threads.submit(lambda: 3)
    assert launcher.call() == living
    assert future.done() == (not drops)


def test_a_launcher_that_keeps_the_callable_calls_it(tmp_path: Path) -> None:
    kept: list[Callable[[], object]] = []
    future = threads_of(tmp_path, kept.append, drops_callable=True).submit(lambda: 3)
    kept.pop()()
    assert future.result(0) == 3


def test_a_submitted_call_comes_late_and_may_be_cancelled_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[Callable[[], object]] = []
    slept: list[float] = []
    threads = threads_of(tmp_path, launched.append, late_delay=LATE)
    ran: list[int] = []
    left, done = threads.submit(ran.append, 1), threads.submit(ran.append, 2)

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        left.cancel()

    monkeypatch.setattr("time.sleep", sleep)
    for task in launched:
        task()
    assert slept == [LATE, LATE]
    assert (left.cancelled(), done.done(), ran) == (True, True, [2])


def test_nothing_is_late_for_one_who_waits_or_calls_on_its_own_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    threads = threads_of(tmp_path, lambda task: task(), late_delay=LATE)
    assert threads.call(threading.get_ident) == threads.submit(threading.get_ident, mode="main").result(0)
    assert LATE not in slept
