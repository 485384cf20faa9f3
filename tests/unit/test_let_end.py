"""How the end of a Java thread is awaited, with Java's classes replaced: no JVM is here."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_foreignthread.child.java import java_launchers
from pytest_foreignthread.child.java.java_launchers import JavaLaunchers, JavaTask
from pytest_foreignthread.child.thread_attributes import ThreadAttributes


class Interrupted(Exception):
    """As java.lang.InterruptedException."""


class Here:
    """As the Java thread that waits."""

    def __init__(self, interrupted: bool) -> None:
        self.interrupted = interrupted

    def isInterrupted(self) -> bool:
        return self.interrupted

    def interrupt(self) -> None:
        self.interrupted = True


class Ends:
    """As a Java thread that ends at the second look; `join` is as Java's."""

    def __init__(self, here: Here, interrupted_while_joined: bool = False) -> None:
        self._here, self._while_joined = here, interrupted_while_joined
        self.joined: list[int] = []
        self.looks = 0

    def isAlive(self) -> bool:
        self.looks += 1
        return self.looks < 2

    def join(self, milliseconds: int) -> None:
        self.joined.append(milliseconds)
        if self._here.interrupted or self._while_joined:
            self._here.interrupted = False
            raise Interrupted


def jvm_with(here: Here, started: bool = True) -> SimpleNamespace:
    classes: dict[str, Any] = {
        "java.lang.Thread": SimpleNamespace(currentThread=lambda: here),
        "java.lang.InterruptedException": Interrupted,
        "java.util.concurrent.ExecutionException": ZeroDivisionError,
    }
    return SimpleNamespace(is_started=lambda: started, java=classes.__getitem__)


def let_end(monkeypatch: pytest.MonkeyPatch, here: Here, thread: Ends, started: bool = True) -> None:
    monkeypatch.setattr(java_launchers, "jvm", jvm_with(here, started))
    launchers, task = JavaLaunchers(itertools.count(), ThreadAttributes(), 1), object()
    launchers._newest = task, thread
    launchers.let_end(JavaTask(task))


def test_a_thread_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(interrupted=False)
    thread = Ends(here)
    let_end(monkeypatch, here, thread)
    assert (thread.joined, thread.looks, here.interrupted) == ([100], 0, False)


def test_an_interruption_that_the_test_has_left_stays_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(interrupted=True)
    thread = Ends(here)
    let_end(monkeypatch, here, thread)
    assert (thread.joined, thread.looks, here.interrupted) == ([], 2, True)


def test_an_interruption_that_comes_meanwhile_stays_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(interrupted=False)
    let_end(monkeypatch, here, Ends(here, interrupted_while_joined=True))
    assert here.interrupted


class Running:
    """As a FutureTask that is done at the second look; `get` is as Java's, and takes an interruption meanwhile."""

    def __init__(self, here: Here, interrupted_while_waiting: bool) -> None:
        self._here, self._while_waiting = here, interrupted_while_waiting
        self.looks = 0

    def isDone(self) -> bool:
        self.looks += 1
        return self.looks > 1

    def get(self) -> None:
        if self.looks < 2 and (self._here.interrupted or self._while_waiting):
            self._here.interrupted = False
            raise Interrupted


@pytest.mark.parametrize("meanwhile", [False, True])
def test_an_interruption_of_the_caller_does_not_end_the_wait_for_a_task(
    monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    here = Here(interrupted=not meanwhile)
    monkeypatch.setattr(java_launchers, "jvm", jvm_with(here))
    task = Running(here, meanwhile)
    JavaTask(task).result()
    assert (here.interrupted, task.looks) == (True, 2)


def test_without_a_jvm_nothing_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(interrupted=False)
    thread = Ends(here)
    let_end(monkeypatch, here, thread, started=False)
    assert (thread.joined, thread.looks) == ([], 0)
