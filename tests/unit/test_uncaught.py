"""Which Java threads are waited for at a phase's end: an exception may still come of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_foreignthread.child.java.uncaught import is_dying


@dataclass(frozen=True)
class Frame:
    place: str

    def getClassName(self) -> str:
        return self.place.rpartition(".")[0]

    def getMethodName(self) -> str:
        return self.place.rpartition(".")[2]


@dataclass(frozen=True)
class Thread:
    state: str
    frames: tuple[str, ...] = ()
    daemon: bool = False

    def getState(self) -> str:
        return self.state

    def getStackTrace(self) -> list[Frame]:
        return [Frame(place) for place in self.frames]

    def isDaemon(self) -> bool:
        return self.daemon


@pytest.mark.parametrize(
    ("thread", "dying"),
    [
        (Thread("RUNNABLE"), True),
        (Thread("RUNNABLE", ("java.lang.Thread.run",)), True),
        (Thread("RUNNABLE", ("org.test.Work.run", "java.lang.Thread.run")), False),
        (Thread("WAITING", ("java.util.concurrent.ThreadPoolExecutor.processWorkerExit",)), True),
        (Thread("WAITING", ("java.util.concurrent.ThreadPoolExecutor.getTask",)), False),
        (Thread("RUNNABLE", ("java.lang.Thread.run",), daemon=True), True),
        # Python's own, which came to use Java, and is never taken from Java's list.
        (Thread("RUNNABLE", daemon=True), False),
    ],
)
def test_dying(thread: Thread, dying: bool) -> None:
    assert is_dying(thread) is dying
