"""A kept child as the pytest process holds it: pipes, the keeper's word, and the way to end both."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...channel.orders import Order, encode_order
from ...model.observation import End, Exited, Lost, Signaled
from ..mark import kill_marked, new_mark
from . import processes
from .fork import ChildMain, OpenEnds, collector_off, flush_output, fork
from .keeper import RELEASE, TERMINATE, KeeperPipes, keep
from .scratch import RunFolder
from .signals import SignalsHeld

# The keeper gives itself two seconds to clear up, and a moment before that.
_ANSWER = 3.0
_REAP = 2.0
_BY_FORCE = 5.0
_POLL = 0.005


@dataclass(frozen=True)
class OwnEnds:
    """The pytest process's ends of a child's pipes."""

    messages: int
    status: int
    control: int
    orders: int


class KeptChild:
    """End it with `terminate`, then `release`, then `close`; each may be called again."""

    def __init__(self, keeper: int, pipes: OwnEnds, ends: OpenEnds, mark: int) -> None:
        """`mark` is what all processes of the child bear."""
        self.keeper = keeper
        self._mark = mark
        self.messages = pipes.messages
        self.status = pipes.status
        self._control = pipes.control
        self._orders = pipes.orders
        self._ends = ends
        self._rest = b""
        self.pid: int | None = None
        self._pidfds: list[int] = []
        self.end: End | None = None
        self.gone = False
        """The keeper has said its last word, or has died."""
        self._cleared_up = False
        """The keeper has said that nothing is left."""
        self.leftovers = 0
        self.survivors = 0
        self.internal_error = ""
        """What the keeper says of an error that ended it, and is not the test's."""
        self._terminated = False
        self._closed = False

    @property
    def pidfd(self) -> int | None:
        """A descriptor that becomes readable when the child ends; None where the kernel gives none."""
        return self._pidfds[0] if self._pidfds else None

    def read_status(self) -> None:
        """Take in what the keeper says; does not block."""
        try:
            data = os.read(self.status, 4096)
        except BlockingIOError:
            return
        if not data:
            self.gone = True
            self.end = self.end or Lost("the process that keeps the child was killed")
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        match line.split(" "):
            case ["child", pid]:
                self.pid = int(pid)
                # In one step of C: a signal's handler that raised after the opening would leave it open for ever.
                with contextlib.suppress(AttributeError, OSError):
                    self._pidfds.extend(map(os.pidfd_open, (self.pid,)))
                for pidfd in self._pidfds:
                    self._ends.add(pidfd)
            case ["ended", "exited", code]:
                self.end = self.end or Exited(int(code))
            case ["ended", "signaled", number]:
                self.end = self.end or Signaled(int(number))
            case ["gone", leftovers, survivors]:
                self.gone = self._cleared_up = True
                self.leftovers, self.survivors = int(leftovers), int(survivors)
            case ["broken", *error]:
                self.gone = True
                self.end = self.end or Lost("the child could not be started or kept")
                self.internal_error = _unquoted(" ".join(error))
            case ["failed", *reason]:
                self.gone = True
                self.end = self.end or Lost("the child could not be started or kept: " + " ".join(reason))

    def give(self, order: Order) -> None:
        """A child that has gone takes none."""
        with _sigpipe_taken():
            os.write(self._orders, encode_order(order))

    def wake_keeper(self) -> None:
        """The test may have stopped the keeper (SIGSTOP)."""
        processes.kill(self.keeper, signal.SIGCONT)

    def terminate(self) -> None:
        """End the child with all that it started; takes seconds at most."""
        if self._terminated:
            return
        if not self.gone:
            self.wake_keeper()
            with contextlib.suppress(OSError), _sigpipe_taken():
                os.write(self._control, TERMINATE)
            self._await_gone(time.monotonic() + _ANSWER)
        if not self._cleared_up:
            self._kill_by_force()
        self._terminated = True

    def release(self) -> None:
        """End the keeper, which has stayed for the case that this process is killed, and reap it."""
        if self._closed:
            return
        self.terminate()
        with contextlib.suppress(OSError), _sigpipe_taken():
            os.write(self._control, RELEASE)
        if not processes.reap(self.keeper, _REAP):
            self._kill_by_force()
            processes.reap(self.keeper, _REAP)
        self._closed = True

    def _await_gone(self, give_up: float) -> None:
        while not self.gone and processes.wait_readable(self.status, give_up - time.monotonic()):
            self.read_status()

    def _kill_by_force(self) -> None:
        """The keeper does not answer or is dead: kill what is below it, of its session or marked, and then itself."""
        give_up, calm = time.monotonic() + _BY_FORCE, 0
        # It is not reaped yet, so that its number cannot be another session's. Of a process that is dead once it is
        # killed nobody can tell whether it had ended by itself, and left another: hence twice.
        while calm < 2 and time.monotonic() < give_up:
            calm = calm + 1 if self._kill_members() else 0
            time.sleep(_POLL)
        processes.kill(self.keeper, signal.SIGKILL)
        if self.pid is not None and not processes.all_processes():
            processes.kill_group(self.pid, signal.SIGKILL)
        self.end = self.end or Lost("the process that keeps the child did not answer")

    def _kill_members(self) -> bool:
        """Whether there was none, and none can have been overlooked."""
        no_marked = kill_marked(self._mark, spared=self.keeper)
        others = {*processes.descendants(self.keeper), *processes.session_members(self.keeper)} - {self.keeper}
        for pid in others:
            processes.kill(pid, signal.SIGKILL)
        return no_marked and not others

    def close(self) -> None:
        for pidfd in self._pidfds:
            self._ends.add(pidfd)
        for descriptor in (self._control, self._orders, self.status, self.messages, *self._pidfds):
            self._ends.close(descriptor)
        self._pidfds.clear()


def _unquoted(line: str) -> str:
    try:
        return str(json.loads(line))
    except ValueError:
        # It was cut.
        return line


@contextlib.contextmanager
def _sigpipe_taken() -> Iterator[None]:
    """Write to a pipe whose reader may be gone; a conftest may have given SIGPIPE its deadly default again."""
    deadly = signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE} if deadly else ())
    try:
        yield
    except BrokenPipeError:
        if deadly:
            signal.sigtimedwait({signal.SIGPIPE}, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def launch(child_main: ChildMain, ends: OpenEnds, held: SignalsHeld, scratch: RunFolder | None = None) -> KeptChild:
    """Fork the keeper, which forks the child. Call with signals held. Raise OSError when there is no room for it."""
    flush_output()
    with ends.lock, contextlib.ExitStack() as opened, contextlib.ExitStack() as own:
        control_read, control = _pipe(opened, own, ends, own_end=1)
        status, status_write = _pipe(opened, own, ends, own_end=0)
        messages, messages_write = _pipe(opened, own, ends, own_end=0)
        orders_read, orders = _pipe(opened, own, ends, own_end=1)
        pid, mark = os.getpid(), new_mark()
        parent = processes.open_pidfd(pid)
        if parent is not None:
            opened.callback(os.close, parent)
        for descriptor in (status, messages):
            os.set_blocking(descriptor, False)
        pipes = KeeperPipes(control_read, status_write, messages_write, orders_read, pid, parent, scratch, mark)
        with collector_off():
            keeper = fork()
            if keeper == 0:
                keep(child_main, pipes, ends, held)
        own.pop_all()
        return KeptChild(keeper, OwnEnds(messages, status, control, orders), ends, mark)


def _pipe(opened: contextlib.ExitStack, own: contextlib.ExitStack, ends: OpenEnds, own_end: int) -> tuple[int, int]:
    """A pipe of which the other end is closed when `opened` is, and the parent's own end when `own` is."""
    pair = os.pipe()
    opened.callback(os.close, pair[1 - own_end])
    own.callback(ends.close, pair[own_end])
    ends.add(pair[own_end])
    return pair
