"""A keeper that takes its time, and a helper of the test's that ends a moment after the child.

The constants are multiplied, so that no speed of a machine is measured; one that is zero stays zero.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import Exited
from pytest_foreignthread.supervise import watch
from pytest_foreignthread.supervise.inbox import Inbox
from pytest_foreignthread.supervise.process import keeper, keeper_client, processes
from pytest_foreignthread.supervise.process.fork import OpenEnds
from pytest_foreignthread.supervise.process.keeper_client import KeptChild, OwnEnds
from tests.supervise.real_children import PATIENCE, detached, exists, run, send_pid, sent_pids


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_GRACE", keeper._GRACE * 100)
    for module in (watch, keeper_client):
        monkeypatch.setattr(module, "_ANSWER", module._ANSWER * 30)


def is_waiting(pid: int) -> bool:
    found = processes.stat(pid)
    return found is not None and found.state == "S"


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


def forked(body: Callable[[], None]) -> int:
    if (pid := os.fork()) == 0:
        try:
            body()
        finally:
            os._exit(5)
    return pid


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    """Those between a supervisor and its keeper."""
    made = [os.pipe() for _ in range(4)]
    for read, _ in made:
        os.set_blocking(read, False)
    yield made
    for descriptor in (one for pipe in made for one in pipe):
        os.close(descriptor)


def test_a_child_has_ended_though_its_keeper_says_so_later(pipes: list[tuple[int, int]]) -> None:
    """Stopped until it is woken, and slower than the supervisor, which waits for its word by then."""
    messages, (status, say), control, orders = pipes
    supervisor = os.getpid()

    def say_so_later() -> None:
        child = forked(lambda: None)
        os.write(say, f"child {child}\n".encode())
        os.kill(os.getpid(), signal.SIGSTOP)
        until(lambda: is_waiting(supervisor))
        os.write(say, b"ended exited 5\n")

    slow, ends = forked(say_so_later), OpenEnds()
    held = KeptChild(slow, OwnEnds(messages[0], status, control[1], orders[1]), ends, mark=1)
    try:
        os.waitpid(slow, os.WUNTRACED)
        watching = watch.Watch(held, Inbox(messages[0]), lambda _: PATIENCE, time.monotonic(), None)
        assert watching.until_end()
        assert held.end == Exited(5)
    finally:
        processes.kill(slow, signal.SIGKILL)
        os.waitpid(slow, 0)
        if held.pidfd is not None:
            ends.close(held.pidfd)


def test_a_helper_that_ends_a_moment_after_the_child_is_no_leftover() -> None:
    """Python's resource tracker is one. This one ends once the keeper has reaped the child, and waits."""

    def child_main(sender: Sender) -> None:
        child, its_keeper = os.getpid(), os.getppid()

        def end_later() -> None:
            until(lambda: not exists(child))
            until(lambda: is_waiting(its_keeper))

        send_pid(sender, "helper", detached(end_later))

    seen = run(child_main)
    assert (seen.end, seen.notes) == (Exited(0), ())
    assert not exists(sent_pids(seen)["helper"])
