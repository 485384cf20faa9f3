"""The keeper: a small process between pytest and the child.

It is the reaper of whatever the child leaves behind, so that the pytest process need not become one, and it outlives
a pytest process that was killed for as long as it takes to clear up. It tells its supervisor, in lines of text:
`child PID`, `failed REASON`, `broken ERROR`, `ended exited CODE`, `ended signaled NUMBER`, `gone LEFTOVERS SURVIVORS`.
Any byte on the control pipe, or its end, is the word to terminate.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from ...channel.wire import Sender
from ...model.blame import error_text
from ...model.observation import RAISED
from ..jvm_files import now, remove_jvm_files
from ..mark import bear
from . import processes
from .fork import ChildMain, OpenEnds, bind_to, fork, run_child, tell_error
from .scratch import RunFolder
from .signals import SYNCHRONOUS, SignalsHeld

_TERMINATION = 2.0
# Helpers such as multiprocessing's resource tracker end by themselves, moments after the child.
_GRACE = 0.2
_PARENT_POLL = 0.2
_RETRY = 0.02
# Less than a pipe takes at once.
_LONGEST = 4000
TERMINATE = b"t"
RELEASE = b"r"
"""What the pytest process writes to the keeper."""


@dataclass(frozen=True)
class KeeperPipes:
    """The keeper's ends, and the child's."""

    control: int
    status: int
    messages: int
    orders: int
    parent: int
    """pid of the pytest process."""
    parent_fd: int | None
    """Its pidfd, opened before the fork, so that it cannot be another process's."""
    scratch: RunFolder | None
    """Removed by the last keeper that outlives the pytest process."""
    mark: int
    """What all processes of the child bear."""


def keep(child_main: ChildMain, pipes: KeeperPipes, ends: OpenEnds, held: SignalsHeld) -> NoReturn:
    """Be the keeper of a new child: fork it, watch it, terminate it with all that it started."""
    try:
        # A session of its own: ^C and ^Z at the terminal reach neither keeper nor child, and a debugger in the child
        # may read the terminal without being stopped by it.
        os.setsid()
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - SYNCHRONOUS)
        processes.become_subreaper()
        # A keeper that was stopped (SIGSTOP) clears up, too, when pytest is killed. Where a thread other than the main
        # one has forked, the signal comes with the end of that thread, and does nothing.
        processes.go_on_with_parents_end()
        bear(pipes.mark)
        # Not SIG_IGN, which a user's conftest may have set: the kernel would reap the child itself.
        inherited = signal.signal(signal.SIGCHLD, _interrupt)
        keeper = os.getpid()
        child = fork()
        if child == 0:
            _be_child(child_main, pipes, ends, held, keeper, inherited)
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        _Keeper(child, pipes).run()
    # The process boundary: nothing may unwind into the frames of the pytest process that this is a copy of.
    except OSError as error:
        _tell(pipes.status, f"failed {type(error).__name__}: {error}")
    except BaseException as error:
        _tell(pipes.status, f"broken {json.dumps(error_text(error, 'the process that keeps the child'))}")
    finally:
        os._exit(0)


def _be_child(
    child_main: ChildMain, pipes: KeeperPipes, ends: OpenEnds, held: SignalsHeld, keeper: int, inherited: object
) -> NoReturn:
    try:
        bind_to(keeper)
        processes.allow_tracer(pipes.parent)
        signal.signal(signal.SIGCHLD, inherited or signal.SIG_DFL)  # type: ignore[arg-type]
        ends.close_all_in_child()
        for descriptor in (pipes.control, pipes.status, pipes.parent_fd):
            if descriptor is not None:
                os.close(descriptor)
        run_child(child_main, pipes.messages, pipes.orders, held)
    # As above; what the child's own code raises does not come so far.
    except BaseException as error:
        tell_error(Sender(pipes.messages, os.getpid()), error)
    finally:
        os._exit(RAISED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Only there so that SIGCHLD reaches the wake-up descriptor."""


def _tell(status: int, line: str) -> None:
    # The supervisor may be gone.
    with contextlib.suppress(OSError):
        os.write(status, line.replace("\n", " ").encode("utf-8", "replace")[:_LONGEST] + b"\n")


class _Keeper:
    def __init__(self, child: int, pipes: KeeperPipes) -> None:
        self._child = child
        self._pipes = pipes
        self._ended = False
        self._since = now()
        self._reaped: set[int] = set()
        sys.settrace(None)
        sys.setprofile(None)
        self._only_own_descriptors()
        self._wake, wake = os.pipe()
        for descriptor in (self._wake, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        # All else stays blocked: no signal but SIGKILL and SIGSTOP can disturb the keeper.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def _only_own_descriptors(self) -> None:
        own = {self._pipes.control, self._pipes.status, self._pipes.parent_fd}
        own |= frozenset() if self._pipes.scratch is None else self._pipes.scratch.descriptors
        try:
            opened = [int(name) for name in os.listdir("/proc/self/fd")]
        except OSError:
            opened = list(range(os.sysconf("SC_OPEN_MAX")))
        for descriptor in opened:
            if descriptor not in own:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def run(self) -> None:
        _tell(self._pipes.status, f"child {self._child}")
        self._watch()
        leftovers, survivors = self._terminate()
        # The supervisor does this too for the child, unless it was killed.
        for pid in {self._child, *self._reaped}:
            remove_jvm_files(pid, self._since)
        _tell(self._pipes.status, f"gone {leftovers} {survivors}")
        if self._pipes.scratch is not None and not self._released():
            self._pipes.scratch.retire_as_the_last()

    def _released(self) -> bool:
        """Wait for the word that the child's directory is removed; False when the pytest process has gone before."""
        poll, timeout = self._poll(self._pipes.control, self._pipes.parent_fd)
        while os.getppid() == self._pipes.parent:
            ready = {descriptor for descriptor, _ in poll.poll(timeout)}
            if self._pipes.control in ready:
                words = os.read(self._pipes.control, 64)
                if RELEASE in words or not words:
                    return RELEASE in words
        return False

    def _poll(self, *descriptors: int | None) -> tuple[select.poll, float | None]:
        """Return what to poll, and for how long at most: where there is no pidfd the parent is to be asked for."""
        poll = select.poll()
        for descriptor in descriptors:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        return poll, _PARENT_POLL * 1000 if self._pipes.parent_fd is None else None

    def _watch(self) -> None:
        """Return at the word to terminate, or when the pytest process has gone."""
        poll, timeout = self._poll(self._wake, self._pipes.control, self._pipes.parent_fd)
        self._look()
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(timeout)}
            if ready & {self._pipes.control, self._pipes.parent_fd} or os.getppid() != self._pipes.parent:
                return
            self._drain_wake()
            self._look()

    def _drain_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._wake, 512):
                pass

    def _look(self) -> None:
        """Tell of the child's end without reaping it: its pid stays valid for the supervisor. Reap orphans."""
        if self._ended:
            return
        if not hasattr(os, "waitid"):
            self._note_reaped(*os.waitpid(self._child, os.WNOHANG))
        elif result := os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self._report(result.si_code == os.CLD_EXITED, result.si_status)
        if not self._ended:
            self._reap_orphans()

    def _reap_orphans(self) -> None:
        # In plain pytest init reaps an orphan at once; a test that waits for its pid to vanish must not hang here.
        for pid in processes.children():
            if pid != self._child:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)

    def _report(self, exited: bool, value: int) -> None:
        self._ended = True
        _tell(self._pipes.status, f"ended {'exited' if exited else 'signaled'} {value}")

    def _terminate(self) -> tuple[int, int]:
        """Kill and reap whatever is below; give the numbers of those that outlived the child, and of the unkillable."""
        if self._ended and self._all_reaped(_GRACE):
            return 0, 0
        outlived, killed = self._ended, set[int]()
        give_up = time.monotonic() + _TERMINATION
        processes.kill_group(self._child, signal.SIGKILL)
        while time.monotonic() < give_up:
            for pid in processes.descendants(os.getpid()):
                processes.kill(pid, signal.SIGKILL)
                killed.add(pid)
            if self._all_reaped(_RETRY):
                break
        survivors = len(processes.descendants(os.getpid()))
        return len(killed - {self._child}) if outlived else 0, survivors

    def _all_reaped(self, seconds: float) -> bool:
        give_up = time.monotonic() + seconds
        while True:
            self._drain_wake()
            try:
                while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                    self._note_reaped(*found)
            except ChildProcessError:
                return True
            if time.monotonic() >= give_up:
                return False
            processes.wait_readable(self._wake, give_up - time.monotonic())

    def _note_reaped(self, pid: int, status: int) -> None:
        self._reaped.add(pid)
        if pid == self._child and not self._ended:
            self._report(os.WIFEXITED(status), os.WEXITSTATUS(status) if os.WIFEXITED(status) else os.WTERMSIG(status))
