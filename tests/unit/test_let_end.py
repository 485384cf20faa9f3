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


def let_end(monkeypatch: pytest.MonkeyPatch, here: Here, thread: Ends, started: bool = True) -> None:
    classes: dict[str, Any] = {
        "java.lang.Thread": SimpleNamespace(currentThread=lambda: here),
        "java.lang.InterruptedException": Interrupted,
    }
    monkeypatch.setattr(java_launchers, "jvm", SimpleNamespace(is_started=lambda: started, java=classes.__getitem__))
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


def test_without_a_jvm_nothing_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Here(interrupted=False)
    thread = Ends(here)
    let_end(monkeypatch, here, thread, started=False)
    assert (thread.joined, thread.looks) == ([], 0)
