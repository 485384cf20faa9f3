"""Which Java threads are waited for at a phase's end, and texts of exceptions that may raise when they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import pytest

from pytest_foreignthread.child.java import jvm
from pytest_foreignthread.child.java.uncaught import Uncaught, UncaughtExceptions, is_dying


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


class Writer:
    def __str__(self) -> str:
        return "org.Thrown\n\tat org.Place\n"


class Thrown(Exception):
    """Stands for a Java exception."""

    def __init__(self, text: str | BaseException, stack: BaseException | None = None) -> None:
        self._text, self._stack = text, stack

    def toString(self) -> str:
        if isinstance(self._text, BaseException):
            raise self._text
        return self._text

    def printStackTrace(self, _: object) -> None:
        if self._stack is not None:
            raise self._stack


class Unshown(Exception):
    @property
    def __cause__(self) -> NoReturn:  # type: ignore[override]
        raise RuntimeError


class Named:
    def getName(self) -> str:
        return "feed"


@pytest.fixture
def no_jvm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jvm, "is_started", bool)
    monkeypatch.setattr(jvm, "java", lambda name: lambda *_: Writer())
    monkeypatch.setattr(jvm, "is_java_exception", lambda error: isinstance(error, Thrown))
    monkeypatch.setattr(jvm, "python_exception", lambda throwable: throwable)


def taken(*thrown: BaseException) -> list[Uncaught]:
    uncaught = UncaughtExceptions()
    for one in thrown:
        uncaught._add(Named(), one)
    return uncaught.take()


@pytest.mark.usefixtures("no_jvm")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("org.Thrown: a\nb", "org.Thrown: a"),
        ("\norg.Thrown", "org.Thrown"),
        ("", "Thrown"),
        ("\n", "Thrown"),
        (ValueError("a"), "Thrown, whose text raised ValueError"),
        (SystemExit(1), "Thrown, whose text raised SystemExit"),
    ],
)
def test_head(text: str | BaseException, line: str) -> None:
    (found,) = taken(Thrown(text))
    assert found.head == f'uncaught on Java thread "feed": {line}'


@pytest.mark.usefixtures("no_jvm")
@pytest.mark.parametrize("raised", [ValueError("a"), SystemExit(1)])
def test_a_stack_that_raises_takes_no_other(raised: BaseException) -> None:
    bad, good = taken(Thrown("bad", raised), Thrown("good"))
    assert bad.stack == f"Thrown, whose printStackTrace raised {type(raised).__name__}"
    assert (good.head[-4:], good.stack) == ("good", "org.Thrown\n\tat org.Place")


@pytest.mark.usefixtures("no_jvm")
def test_a_python_exception_that_cannot_be_shown() -> None:
    (found,) = taken(Unshown())
    assert "Unshown" in found.head
    assert found.stack.startswith("Unshown, whose text raised RuntimeError\nthrown into Java:\n")


@pytest.mark.usefixtures("no_jvm")
def test_an_exception_of_a_jvm_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_: object) -> NoReturn:
        raise RuntimeError("Java Virtual Machine is not running")

    monkeypatch.setattr(jvm, "python_exception", ended)
    (found,) = taken(thrown := Thrown("a"))
    assert found.error is thrown
