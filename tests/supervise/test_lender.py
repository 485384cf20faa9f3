"""The time of a debugger: a child that says that it has one proves nothing."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import DebuggerEntered, DebuggerLeft, EndedBy, PhaseStarted
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.process import lender
from pytest_foreignthread.supervise.process.fork import OpenEnds
from pytest_foreignthread.supervise.process.lender import Lender
from pytest_foreignthread.supervise.supervisor import SupervisedChild

from .real_children import PATIENCE, SHORT, hang


@contextlib.contextmanager
def nothing(_: Path) -> Iterator[int | None]:
    yield None


@contextlib.contextmanager
def null(_: Path) -> Iterator[int]:
    with open(os.devnull, "rb") as file:
        yield file.fileno()


@contextlib.contextmanager
def file(folder: Path, *, at_end: bool = False) -> Iterator[int]:
    (folder / "typed").write_bytes(b"continue\n")
    with (folder / "typed").open("rb", buffering=0) as opened:
        if at_end:
            opened.read()
        yield opened.fileno()


@contextlib.contextmanager
def pipe(_: Path, *, typed: bytes = b"", closed: bool = False) -> Iterator[int]:
    read, write = os.pipe()
    os.write(write, typed)
    if closed:
        os.close(write)
    yield read
    os.close(read)
    if not closed:
        os.close(write)


@contextlib.contextmanager
def terminal(_: Path) -> Iterator[int]:
    master, slave = os.openpty()
    yield slave
    os.close(slave)
    os.close(master)


Input = Callable[[Path], contextlib.AbstractContextManager["int | None"]]
WAITS: Final[dict[str, Input]] = {
    "open pipe": pipe,
    "pipe with commands": lambda folder: pipe(folder, typed=b"c\n", closed=True),
    "file": file,
    "terminal": terminal,
}
DOES_NOT: Final[dict[str, Input]] = {
    "closed": nothing,
    "null": null,
    "pipe at its end": lambda folder: pipe(folder, closed=True),
    "file at its end": lambda folder: file(folder, at_end=True),
}


def lending(descriptor: int | None) -> Lender:
    return Lender(None, usual_input=lambda: None if descriptor is None else os.dup(descriptor))


def lend(one: Lender, seconds_ago: float) -> float:
    now = time.monotonic()
    one.lend(lambda: None, at_terminal=True, at=now, began=now - seconds_ago)
    return one.take_back(in_order=True)


@pytest.mark.parametrize("kind", WAITS.values(), ids=WAITS)
def test_the_time_is_the_debuggers_where_something_may_be_typed(tmp_path: Path, kind: Input) -> None:
    with kind(tmp_path) as descriptor:
        assert lend(lending(descriptor), 50.0) >= 50.0


@pytest.mark.parametrize("kind", DOES_NOT.values(), ids=DOES_NOT)
def test_the_time_is_the_tests_where_nothing_can_come(tmp_path: Path, kind: Input) -> None:
    with kind(tmp_path) as descriptor:
        assert lend(lending(descriptor), 50.0) == 0.0


def test_without_a_terminal_it_has_an_end(tmp_path: Path) -> None:
    with pipe(tmp_path) as descriptor:
        one = lending(descriptor)
        assert lend(one, lender.WITHOUT_TERMINAL - 1) < lender.WITHOUT_TERMINAL
        assert lend(one, 50.0) <= 1.0
        assert lend(one, 50.0) == 0.0
        one.begin()
        assert lend(one, 50.0) >= 50.0


def test_at_a_terminal_it_has_none(tmp_path: Path) -> None:
    with terminal(tmp_path) as descriptor:
        assert lend(lending(descriptor), 2 * lender.WITHOUT_TERMINAL) >= 2 * lender.WITHOUT_TERMINAL


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    with pipe(tmp_path) as descriptor:
        before = sorted(os.listdir("/proc/self/fd"))
        lend(lending(descriptor), 1.0)
        assert sorted(os.listdir("/proc/self/fd")) == before


def claims_once(sender: Sender) -> None:
    sender.send(DebuggerEntered(True, time.monotonic()))
    hang()


def claims_again_and_again(sender: Sender) -> None:
    while True:
        sender.send(DebuggerEntered(False, time.monotonic()))
        sender.send(DebuggerLeft())
        time.sleep(0.001)


@pytest.mark.parametrize("claim", [claims_once, claims_again_and_again])
@pytest.mark.parametrize("kind", ["null", "pipe"])
def test_a_claim_puts_off_no_deadline_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claim: Callable[[Sender], None], kind: str
) -> None:
    monkeypatch.setattr(lender, "WITHOUT_TERMINAL", SHORT)

    def child_main(sender: Sender, _: object) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        claim(sender)

    with {"null": null, "pipe": pipe}[kind](tmp_path) as descriptor:
        child = SupervisedChild(child_main, None, OpenEnds(), lending(descriptor))
        try:
            seen = child.observe(lambda phase: SHORT if phase is Phase.CALL else PATIENCE)
        finally:
            child.close()
    assert (seen.ended_by, seen.phase) == (EndedBy.DEADLINE, Phase.CALL)
