"""What comes by the pipe of the keeper: its own lines count, and what a test writes there is an error of that test."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_foreignthread.channel.orders import RunTest
from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import Exited, Lost, Signaled
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.fork import OpenEnds
from pytest_foreignthread.supervise.process.keeper_client import KeptChild, OwnEnds
from tests.supervise.real_children import PATIENCE, hang, run

CHILD = "child"
"""Stands for the line on a child that is the keeper's."""


class Pipes:
    """The pipes of a child without a keeper: this process stands for the keeper, and has a child."""

    def __init__(self) -> None:
        self._made = [os.pipe() for _ in range(4)]
        for read, _ in self._made[:2]:
            os.set_blocking(read, False)
        (messages, _), (status, self.say), (self.control, control), (self.read_orders, orders) = self._made
        self.ends = OpenEnds()
        self.kept = KeptChild(os.getpid(), OwnEnds(messages, status, control, orders), self.ends, mark=1)
        self.child = os.fork()
        if self.child == 0:
            os.close(self.read_orders)
            signal.pause()
            os._exit(0)

    def write(self, *lines: str) -> None:
        for line in lines:
            os.write(self.say, (f"child {self.child}" if line is CHILD else line).encode() + b"\n")
        while not self.kept.gone and processes.wait_readable(self.kept.status, 0):
            self.kept.read_status()

    def close(self) -> None:
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        for descriptor in (one for pair in self._made for one in pair):
            os.close(descriptor)
        if self.kept.pidfd is not None:
            self.ends.close(self.kept.pidfd)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    yield (made := Pipes())
    made.close()


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ((CHILD, "ended exited 5", "gone 1 0"), Exited(5)),
        ((CHILD, "ended signaled 11", "gone 0 0"), Signaled(11)),
        ((CHILD, "ended exited 0", 'broken "an error"'), Exited(0)),
        (("failed OSError: no memory",), Lost("the child could not be started or kept: OSError: no memory")),
    ],
)
def test_what_a_keeper_writes(pipes: Pipes, lines: tuple[str, ...], end: object) -> None:
    pipes.write(*lines)
    assert pipes.kept.end == end
    assert pipes.kept.pid == (pipes.child if CHILD in lines else None)


FORGED = [
    (CHILD, "ended exited x"),
    (CHILD, "ended exited " + "9" * 5000),
    (CHILD, "ended exited ٣"),
    (CHILD, "ended exited -1"),
    (CHILD, "ended signaled"),
    (CHILD, "gone 0"),
    (CHILD, "gone x y"),
    (CHILD, "ended exited 0", "ended signaled 9"),
    (CHILD, "child 1"),
    (CHILD, CHILD),
    (CHILD, "words"),
    (CHILD, ""),
    ("child 1",),
    ("child 0",),
    ("child -1",),
    ("child " + "1" * 5000,),
    ("ended exited 0",),
    ("gone 0 0",),
]


@pytest.mark.parametrize("lines", FORGED, ids=lambda lines: " / ".join(lines)[:40] or "empty")
def test_a_line_that_no_keeper_writes(pipes: Pipes, lines: tuple[str, ...]) -> None:
    pipes.write(*lines)
    assert isinstance(pipes.kept.end, Lost)
    came = f"child {pipes.child}" if lines[-1] is CHILD else lines[-1]
    assert ascii(came[:80])[:-1] in str(pipes.kept.end.reason)
    assert pipes.kept.gone
    assert pipes.kept.pid == (pipes.child if lines[0] is CHILD else None)


def test_bytes_without_an_end_are_not_kept(pipes: Pipes) -> None:
    for _ in range(64):
        os.write(pipes.say, b"x" * 4096)
        pipes.kept.read_status()
        if pipes.kept.gone:
            break
    assert isinstance(pipes.kept.end, Lost)
    assert len(pipes.kept._rest) < 3 * 4096


def _write_to_the_keepers_pipe(words: bytes) -> None:
    """Write to each pipe that the keeper has open for writing, once it waits with its own descriptors only."""
    folder = f"/proc/{os.getppid()}/fd"
    while (found := processes.stat(os.getppid())) is None or found.state != "S":
        pass
    for name in os.listdir(folder):
        if os.readlink(f"{folder}/{name}").startswith("pipe:"):
            flags = Path(f"/proc/{os.getppid()}/fdinfo/{name}").read_text().split("flags:")[1].split()[0]
            if int(flags, 8) & os.O_ACCMODE == os.O_WRONLY:
                descriptor = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_NONBLOCK)
                os.write(descriptor, words)
                os.close(descriptor)


@pytest.mark.parametrize("words", [b"ended exited x\n", b"child 1\n", b"ended exited 0\n", b"x" * 9000])
def test_a_child_that_writes_for_its_keeper(words: bytes) -> None:
    def child_main(sender: Sender) -> None:
        _write_to_the_keepers_pipe(words)
        hang()

    seen = run(child_main)
    assert isinstance(seen.end, Lost)
    assert words.decode().strip()[:20] in str(seen.end) or "signaled 9" in str(seen.end)


def test_an_order_that_nobody_reads_is_waited_for_by_nobody(pipes: Pipes) -> None:
    """Node ids of a spawned child can be longer than a pipe holds."""
    order = RunTest("test_it.py::test_it[" + "~" * 300_000 + "]")
    thread = threading.Thread(target=pipes.kept.send_order, args=(order,), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    read = b""
    while pipes.kept.send_on():
        read += os.read(pipes.read_orders, 65536)
    while not read.endswith(b"\n"):
        read += os.read(pipes.read_orders, 65536)
    assert read.count(b"~") == 300_000


def test_an_order_to_a_child_that_is_gone_is_dropped(pipes: Pipes) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, pipes.read_orders)
    os.close(null)
    pipes.kept.send_order(RunTest("x" * 300_000))
    assert not pipes.kept.send_on()
