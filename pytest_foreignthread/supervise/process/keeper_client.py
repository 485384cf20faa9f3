"""A child and its keeper as the pytest process holds them: the pipes, what the keeper reports, and how to end both."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ...channel.orders import Order, encode_order
from ...model.observation import End, Exited, Lost, Signaled
from ..mark import kill_marked, new_mark
from . import processes
from .fork import ChildMain, OpenEnds, collector_off, flush_output, fork
from .keeper import LONGEST_LINE, RELEASE, TERMINATE, KeeperPipes, keep
from .scratch import RunFolder
from .signals import SignalsHeld

# Seconds that the keeper may take to terminate the child. It limits itself to 2.2 s (`keeper._GRACE + _TERMINATION`).
_ANSWER = 3.0
# Seconds until a released keeper must have exited; it has nothing left to do.
_REAP = 2.0
# Seconds for killing without the keeper's help: a test that forks on and on must not hold the run up for ever.
_BY_FORCE = 5.0
_POLL = 0.005
_NUMBER = re.compile(r"[0-9]{1,10}")
_FIRST_WORDS = ("child", "failed", "broken")
"""The first words of the lines that may come before the one on the child."""
# Characters of a line that is not the keeper's.
_SHOWN = 80


@dataclass(frozen=True)
class OwnEnds:
    """The pytest process's ends of a child's pipes."""

    messages: int
    status: int
    control: int
    orders: int


class KeptChild:
    """A forked child and its keeper. The caller must call `terminate`, `release` and `close`, each once or more often.

    The keeper stays unreaped until `release`, so that its pid, which is also the id of its session, cannot become
    another process's while signals are sent to it.
    """

    def __init__(self, keeper: int, pipes: OwnEnds, ends: OpenEnds, mark: int) -> None:
        """`mark` is the mark of all processes of the child; see `supervise.mark`."""
        self.keeper = keeper
        self._mark = mark
        self.messages = pipes.messages
        self.status = pipes.status
        self._control = pipes.control
        self.orders = pipes.orders
        os.set_blocking(self.orders, False)
        self._unsent = b""
        self._ends = ends
        self._rest = b""
        self._lines_seen: set[str] = set()
        """The first words of the lines that have come."""
        self._distrusted = False
        """Whether a line has come that the keeper cannot have written."""
        self.pid: int | None = None
        self._pidfds: list[int] = []
        self.end: End | None = None
        self.gone = False
        """Whether the keeper has written its last line, or has died."""
        self._cleared_up = False
        """Whether the keeper has killed and reaped the processes of the child; if not, this process has to."""
        self.leftovers = 0
        self.survivors = 0
        self.internal_error = ""
        """The error of this plugin that ended the keeper, with its traceback; empty if there was none."""
        self._terminated = False
        self._closed = False

    @property
    def pidfd(self) -> int | None:
        """A descriptor that becomes readable when the child ends; None if the kernel has no pidfds.

        The keeper's line can be late: the test may have stopped the keeper. The pidfd shows the end without its help.
        """
        return self._pidfds[0] if self._pidfds else None

    def read_status(self) -> None:
        """Read the lines that the keeper has written; do not block."""
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
        if len(self._rest) > LONGEST_LINE:
            self._distrust(self._rest.decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        """Take a line of the keeper's; a line that the keeper cannot have written ends the child.

        A test can open the keeper's end of the pipe by /proc, and write to it.
        """
        if self._distrusted:
            return
        words = line.split(" ")
        # Each line comes once, and that on the child comes before those on its end.
        first = words[0] not in self._lines_seen and (words[0] in _FIRST_WORDS or "child" in self._lines_seen)
        self._lines_seen.add(words[0])
        match words:
            case ["child", pid] if first and _is_number(pid) and self._is_kept(int(pid)):
                self._take_pid(int(pid))
            # A keeper that was killed has a child no more, and its pid may be another process's.
            case ["child", pid] if first and _is_number(pid) and not self._keeper_lives():
                pass
            # The first line on the end counts: a keeper that fails after it does not change how the child ended.
            case ["ended", "exited", code] if first and _is_number(code):
                self.end = self.end or Exited(int(code))
            case ["ended", "signaled", number] if first and _is_number(number):
                self.end = self.end or Signaled(int(number))
            case ["gone", leftovers, survivors] if first and _is_number(leftovers) and _is_number(survivors):
                self.gone = self._cleared_up = True
                self.leftovers, self.survivors = int(leftovers), int(survivors)
            case ["broken", *error] if first:
                self.gone = True
                self.end = self.end or Lost("the child could not be started or kept")
                self.internal_error = _unquoted(" ".join(error))
            case ["failed", *reason] if first:
                self.gone = True
                self.end = self.end or Lost("the child could not be started or kept: " + " ".join(reason))
            case _:
                self._distrust(line)

    def _take_pid(self, pid: int) -> None:
        self.pid = pid
        # extend() and map() open and store in one step of C. A signal handler that raised between two steps of
        # Python would leave a descriptor open that nobody knows.
        with contextlib.suppress(AttributeError, OSError):
            self._pidfds.extend(map(os.pidfd_open, (pid,)))
        for pidfd in self._pidfds:
            self._ends.add(pidfd)

    def _is_kept(self, pid: int) -> bool:
        """Return whether a process is the keeper's child, to which signals may go."""
        if (found := processes.stat(pid)) is not None:
            return found.parent == self.keeper
        # No /proc, or one that hides processes of other users: the child may be another user's by now.
        return pid > 1 and processes.kill(pid, 0)

    def _keeper_lives(self) -> bool:
        found = processes.stat(self.keeper)
        return found is None or found.alive

    def _distrust(self, line: str) -> None:
        """Note a line that the keeper cannot have written. No other line counts, and `terminate` uses force."""
        self._distrusted = True
        self.gone, self._cleared_up = True, False
        shown = line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
        self.end = Lost(
            "something in the test wrote to the pipe of the process that keeps the child; expected a line on the child"
            f" or its end, got {shown!a}: let the test use only descriptors of its own"
        )

    def send_order(self, order: Order) -> None:
        """Send an order, as far as the pipe has room for it; `send_on` sends the rest.

        If the child has gone, do nothing. Its end is seen by its pidfd and its keeper's line.
        """
        self._unsent += encode_order(order)
        self.send_on()

    def send_on(self) -> bool:
        """Send what is left of the orders, as far as the pipe has room; return whether there is still a rest."""
        # Dropped if the child has gone, which `_sigpipe_taken` makes no error.
        unsent, self._unsent = self._unsent, b""
        with _sigpipe_taken():
            # The pipe does not block: a child that hangs before it reads must not hold this process up.
            with contextlib.suppress(BlockingIOError):
                while unsent:
                    unsent = unsent[os.write(self.orders, unsent) :]
            self._unsent = unsent
        return bool(self._unsent)

    def wake_keeper(self) -> None:
        """Continue the keeper, which the test may have stopped (SIGSTOP)."""
        processes.kill(self.keeper, signal.SIGCONT)

    def terminate(self) -> None:
        """End the child and all processes that it started, within `_ANSWER` and `_BY_FORCE` seconds."""
        if self._terminated:
            return
        if not self.gone:
            self.wake_keeper()
            with contextlib.suppress(OSError), _sigpipe_taken():
                os.write(self._control, TERMINATE)
            self._await_gone(time.monotonic() + _ANSWER)
        if not self._cleared_up:
            self._kill_by_force()
        # Only after all steps: if a signal handler interrupts the call, the caller calls again.
        self._terminated = True

    def release(self) -> None:
        """End and reap the keeper, which has stayed to remove the child's files if this process is killed."""
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
        """Kill the descendants of a keeper that is dead or does not answer, its session, all marked, and the keeper.

        Three ways to find them, because a process may leave each: a dead keeper has no descendants, setsid() leaves the
        session, and setrlimit() takes the mark off.
        """
        give_up, calm = time.monotonic() + _BY_FORCE, 0
        # The keeper is not reaped yet, so its pid cannot be another session's. Two calm rounds: a process that was dead
        # when it was killed may have forked and ended by itself before, and its child is seen in the next round only.
        while calm < 2 and time.monotonic() < give_up:
            calm = calm + 1 if self._kill_members() else 0
            time.sleep(_POLL)
        # The keeper comes last: with it gone, its descendants would have another parent and not be found below it.
        processes.kill(self.keeper, signal.SIGKILL)
        # Without /proc the child's group is all that is known.
        if self.pid is not None and not processes.all_processes():
            processes.kill_group(self.pid, signal.SIGKILL)
        self.end = self.end or Lost("the process that keeps the child did not answer")

    def _kill_members(self) -> bool:
        """Kill the processes that are found now; return whether there was none and none can have been missed."""
        no_marked = kill_marked(self._mark, spared=self.keeper)
        others = {*processes.descendants(self.keeper), *processes.session_members(self.keeper)} - {self.keeper}
        for pid in others:
            processes.kill(pid, signal.SIGKILL)
        return no_marked and not others

    def close(self) -> None:
        # Again: a handler that raised between the opening of a pidfd and `add` has left it unregistered, and `ends`
        # closes only what is registered.
        for pidfd in self._pidfds:
            self._ends.add(pidfd)
        for descriptor in (self._control, self.orders, self.status, self.messages, *self._pidfds):
            self._ends.close(descriptor)
        self._pidfds.clear()


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _unquoted(line: str) -> str:
    try:
        return str(json.loads(line))
    except ValueError:
        # The keeper cuts a line that is longer than `keeper.LONGEST_LINE`.
        return line


@contextlib.contextmanager
def _sigpipe_taken() -> Iterator[None]:
    """Let the block write to a pipe whose reader may be gone: no SIGPIPE, no BrokenPipeError.

    Python ignores SIGPIPE, but a conftest may have set the default action again, which would kill the pytest process.
    Then the signal is blocked for the block, and taken out of the queue before the mask is restored.
    """
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
    """Fork the keeper, which forks the child. The caller puts off signals: `held`.

    Raise OSError if a pipe or the keeper cannot be made. If the keeper cannot fork the child, it writes that to its
    status pipe.
    """
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
        # The pytest process reads what is there and never waits in read(): it waits in poll(), with a timeout.
        for descriptor in (status, messages):
            os.set_blocking(descriptor, False)
        pipes = KeeperPipes(control_read, status_write, messages_write, orders_read, pid, parent, scratch, mark)
        # The keeper and the child never leave this block: their frames below are copies, which must not run on.
        with collector_off():
            keeper = fork()
            if keeper == 0:
                keep(child_main, pipes, ends, held)
        own.pop_all()
        return KeptChild(keeper, OwnEnds(messages, status, control, orders), ends, mark)


def _pipe(opened: contextlib.ExitStack, own: contextlib.ExitStack, ends: OpenEnds, own_end: int) -> tuple[int, int]:
    """Return a new pipe; `opened` closes the end that this process passes on, `own` the end that it keeps.

    `opened` is left after the fork in any case, `own` only if the fork has failed.
    """
    pair = os.pipe()
    opened.callback(os.close, pair[1 - own_end])
    own.callback(ends.close, pair[own_end])
    ends.add(pair[own_end])
    return pair
