"""The keeper: a small process between the pytest process and the child.

The keeper reaps every process that the child leaves behind, so that the pytest process need not become a subreaper. It
outlives a pytest process that was killed, until it has cleared up. `supervisor` describes the three processes together.

The keeper writes lines of text to the status pipe:

- `child PID`: the child was forked.
- `failed REASON`: the child could not be forked or kept, by an OSError.
- `broken ERROR`: the keeper ended by an error of this plugin; `ERROR` is a JSON string with the traceback.
- `ended exited CODE` or `ended signaled NUMBER`: how the child ended.
- `gone LEFTOVERS SURVIVORS`: all is killed and reaped but `SURVIVORS` processes; `LEFTOVERS` had outlived the child.

On the control pipe, any byte or the end of the stream asks the keeper to terminate the child, and after that `RELEASE`
asks it to exit.
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
from .fork import ChildMain, OpenEnds, bind_to, fork, run_child, send_error
from .scratch import RunFolder
from .sigactions import Action, action_of, set_action
from .signals import SYNCHRONOUS, SignalsHeld

# Seconds for killing and reaping. A process in an uninterruptible system call survives SIGKILL until the call returns.
_TERMINATION = 2.0
# Seconds. Helpers such as multiprocessing's resource tracker end by themselves, moments after the child: they are no
# leftovers of the test.
_GRACE = 0.2
# Seconds between two looks at the parent's pid on a kernel without pidfds (before Linux 5.3).
_PARENT_POLL = 0.2
# Seconds between two rounds of SIGKILL: a process that forks while it is killed leaves a new one for the next round.
_RETRY = 0.02
# Bytes of a line, less than PIPE_BUF (4096 on Linux), up to which a write to a pipe is never torn.
LONGEST_LINE = 4000
TERMINATE = b"t"
RELEASE = b"r"
"""The two requests that the pytest process writes to the control pipe."""


@dataclass(frozen=True)
class KeeperPipes:
    """What the keeper and the child inherit: the keeper's ends of `control` and `status`, the child's of the others."""

    control: int
    status: int
    messages: int
    orders: int
    parent: int
    """The pid of the pytest process."""
    parent_fd: int | None
    """A pidfd of the pytest process; None if the kernel has no pidfds.

    The pytest process opened it before the fork: its pid cannot have gone to another process by then.
    """
    scratch: RunFolder | None
    """The directory of the run, which the last keeper removes if the pytest process was killed."""
    mark: int
    """The mark of all processes of the child."""


@dataclass(frozen=True)
class Inherited:
    """How the pytest process handles SIGCHLD, which the child must handle alike."""

    action: Action | None
    """That of the kernel: a library such as libev may have set a handler of C, of which Python knows nothing."""
    handler: object
    """That of Python."""


def keep(child_main: ChildMain, pipes: KeeperPipes, ends: OpenEnds, held: SignalsHeld) -> NoReturn:
    """Run the keeper of a new child, never return: fork the child, watch it, terminate it with all that it started."""
    try:
        # A session of its own: ^C and ^Z at the terminal reach neither keeper nor child, and a debugger in the child
        # may read the terminal without being stopped by it. When the keeper was killed, the pytest process finds the
        # processes of the child by the session, too.
        os.setsid()
        # From here on only SIGKILL and SIGSTOP disturb the keeper: a test that sends SIGTERM to its parent or its
        # session must not end the process that clears up behind the test.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - SYNCHRONOUS)
        # Before the fork, like the mark: an orphan of the child must find both.
        processes.become_subreaper()
        # A keeper that was stopped (SIGSTOP) must go on, to clear up, when the pytest process is killed. If a thread
        # other than the main one has forked, the signal comes at the end of that thread, and does nothing.
        processes.go_on_with_parents_end()
        bear(pipes.mark)
        # Not SIG_IGN, which a user's conftest may have set: the kernel would reap the child, and its status be lost.
        inherited = Inherited(action_of(signal.SIGCHLD), signal.signal(signal.SIGCHLD, _interrupt))
        keeper = os.getpid()
        child = fork()
        if child == 0:
            _be_child(child_main, pipes, ends, held, keeper, inherited)
        # The child does this as well: the group must exist before either of the two goes on. EACCES if the child has
        # already called exec.
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        _Keeper(child, pipes).run()
    # The process boundary: nothing may unwind into the frames of the pytest process that this is a copy of.
    except OSError as error:
        _write_status(pipes.status, f"failed {type(error).__name__}: {error}")
    except BaseException as error:
        _write_status(pipes.status, f"broken {json.dumps(error_text(error, 'the process that keeps the child'))}")
    finally:
        os._exit(0)


def _be_child(
    child_main: ChildMain, pipes: KeeperPipes, ends: OpenEnds, held: SignalsHeld, keeper: int, inherited: Inherited
) -> NoReturn:
    try:
        bind_to(keeper)
        # With Yama's ptrace_scope 1 only ancestors may trace. pystack runs below the pytest process, beside the child.
        processes.allow_tracer(pipes.parent)
        signal.signal(signal.SIGCHLD, inherited.handler or signal.SIG_DFL)  # type: ignore[arg-type]
        if inherited.action is not None:
            set_action(signal.SIGCHLD, inherited.action)
        ends.close_all_in_child()
        for descriptor in (pipes.control, pipes.status, pipes.parent_fd):
            if descriptor is not None:
                os.close(descriptor)
        run_child(child_main, pipes.messages, pipes.orders, held)
    # The process boundary, as in `keep`. What the child's own code raises ends in `run_child`.
    except BaseException as error:
        send_error(Sender(pipes.messages, os.getpid()), error)
    finally:
        os._exit(RAISED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Do nothing. Python writes to the wake-up descriptor only for a signal that has a handler."""


def _write_status(status: int, line: str) -> None:
    # The pytest process may be gone.
    with contextlib.suppress(OSError):
        os.write(status, line.replace("\n", " ").encode("utf-8", "replace")[:LONGEST_LINE] + b"\n")


class _Keeper:
    def __init__(self, child: int, pipes: KeeperPipes) -> None:
        self._child = child
        self._pipes = pipes
        self._ended = False
        self._since = now()
        self._reaped: set[int] = set()
        # A tracer of the pytest process, coverage or a debugger, would go on in this copy of it.
        sys.settrace(None)
        sys.setprofile(None)
        self._only_own_descriptors()
        # The self-pipe: poll() takes descriptors, no signals, and SIGCHLD just before it would be missed. Neither end
        # may block, and a full pipe is no error: it wakes the keeper as well.
        self._wake, wake = os.pipe()
        for descriptor in (self._wake, wake):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        # Only now: before the wake-up descriptor is set, SIGCHLD would go unnoticed. A child that has ended already is
        # seen by the look at the start of `_watch`. All other signals stay blocked.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def _only_own_descriptors(self) -> None:
        """Close all other descriptors that the keeper has inherited, standard streams and the child's ends among them.

        A copy that stays open in the keeper would keep the reader of a pipe from seeing its end: the pytest process
        that of the child's messages, a shell's `pytest | tee` that of pytest's output.
        """
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
        _write_status(self._pipes.status, f"child {self._child}")
        self._watch()
        leftovers, survivors = self._terminate()
        # The pytest process does this for the child as well, unless it was killed; nobody else does it for the others.
        for pid in {self._child, *self._reaped}:
            remove_jvm_files(pid, self._since)
        # Last: the pytest process goes on after this line, and takes all above for done.
        _write_status(self._pipes.status, f"gone {leftovers} {survivors}")
        if self._pipes.scratch is not None and not self._released():
            self._pipes.scratch.retire_as_the_last()

    def _released(self) -> bool:
        """Wait until the pytest process releases the keeper; return False if it has gone without doing so."""
        poll, timeout = self._poll(self._pipes.control, self._pipes.parent_fd)
        while os.getppid() == self._pipes.parent:
            ready = {descriptor for descriptor, _ in poll.poll(timeout)}
            if self._pipes.control in ready:
                words = os.read(self._pipes.control, 64)
                if RELEASE in words or not words:
                    return RELEASE in words
        return False

    def _poll(self, *descriptors: int | None) -> tuple[select.poll, float | None]:
        """Return the poll object and a timeout in milliseconds; None if a pidfd shows the end of the pytest process."""
        poll = select.poll()
        for descriptor in descriptors:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        return poll, _PARENT_POLL * 1000 if self._pipes.parent_fd is None else None

    def _watch(self) -> None:
        """Report the child's end and reap orphans; return if the pytest process asks to terminate, or has gone."""
        poll, timeout = self._poll(self._wake, self._pipes.control, self._pipes.parent_fd)
        # Before the first wait: the child may have ended before SIGCHLD could wake the keeper.
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
        """Report the end of the child, if it has ended, without reaping it; if not, reap orphans.

        Until the child is reaped (WNOWAIT), no other process can get its pid: the pytest process may still send it
        signals and read its /proc.
        """
        if self._ended:
            return
        # macOS has no waitid() before Python 3.13. There the child is reaped at once.
        if not hasattr(os, "waitid"):
            self._note_reaped(*os.waitpid(self._child, os.WNOHANG))
        elif result := os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self._report(result.si_code == os.CLD_EXITED, result.si_status)
        if not self._ended:
            self._reap_orphans()

    def _reap_orphans(self) -> None:
        # Not waitpid(-1), which would take the child. In plain pytest init reaps an orphan at once: a test that waits
        # for the orphan's pid to vanish must not hang here.
        for pid in processes.children():
            if pid != self._child:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)

    def _report(self, exited: bool, value: int) -> None:
        self._ended = True
        _write_status(self._pipes.status, f"ended {'exited' if exited else 'signaled'} {value}")

    def _terminate(self) -> tuple[int, int]:
        """Kill and reap all descendants of the keeper.

        Return how many processes had outlived a child that ended by itself, and how many could not be killed.
        """
        if self._ended and self._all_reaped(_GRACE):
            return 0, 0
        # Processes of a child that is killed here have not outlived it: only a child that has ended leaves leftovers.
        outlived, killed = self._ended, set[int]()
        give_up = time.monotonic() + _TERMINATION
        # The group at once, so that few of its members can fork in between; then those that have left the group. Once
        # the child is reaped, the id may be that of another group.
        if self._child not in self._reaped:
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
        """Reap until no child of the keeper is left, for `seconds` at most; return whether none is left."""
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
        # A child that was killed before its end was seen.
        if pid == self._child and not self._ended:
            self._report(os.WIFEXITED(status), os.WEXITSTATUS(status) if os.WIFEXITED(status) else os.WTERMSIG(status))
