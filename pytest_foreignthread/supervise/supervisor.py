"""One child from its fork to its release: its deadlines, its end, and an `Observation` of each test that it served.

Three processes take part. The *pytest process* runs this module. The *keeper* is its child, a fork of it that runs
`process/keeper.py`. The *child* is the keeper's child; it runs the tests, and may crash, hang, stop, fork, and kill.

Why a keeper: a process that a test leaves behind must be found, and killed, wherever it went. The kernel hands orphans
to the nearest subreaper. If the pytest process were the subreaper, orphans of ordinary tests would become its children
as well, and be seen by tests that count or wait for children. And nobody could clear up after a pytest process that was
killed.

Four pipes connect the processes. Each process closes all ends that are not its own, of this child and of the others:
a copy of a writing end that is left open would keep the reader from ever seeing the end of the stream.

| pipe       | writer         | reader         | what is written                                                 |
|------------|----------------|----------------|-----------------------------------------------------------------|
| `orders`   | pytest process | child          | one line an order: run this test, or end (`channel.orders`)     |
| `messages` | child          | pytest process | one line a message: phases, reports, ... (`channel.wire`)       |
| `control`  | pytest process | keeper         | `TERMINATE`, then `RELEASE`; its end means terminate, too       |
| `status`   | keeper         | pytest process | the lines that the docstring of `process/keeper.py` lists       |

The keeper also holds a pidfd of the pytest process, and the pytest process holds one of the child; no child inherits
either. How a child that waits in its crash is found, `probes/crash_gate.py` says.

The states, in order:

1. *Forked.* `launch` forks the keeper, with all signals put off. The keeper starts a session, becomes a subreaper,
   forks the child, and writes the child's pid to `status`.
2. *Serving.* The child runs the test of each order and sends its messages. A `Watch` reads them, arms the limit of each
   phase, and returns when the child waits for its next order, has ended, has passed a limit, or has sent a message that
   is not accepted. At a limit the child is looked at while it still lives.
3. *Ended.* The keeper writes how the child ended, and does not reap the child: its pid cannot become another process's.
4. *Terminated.* `KeptChild.terminate` writes `TERMINATE`. The keeper sends SIGKILL to the child, its process group and
   all descendants, reaps them, writes what it found, and waits.
5. *Released.* The pytest process removes the child's scratch directory and writes `RELEASE`. The keeper exits; the
   pytest process reaps the keeper and closes the pipes. The order matters: until the directory is removed, the keeper
   stands by to remove the directory if the pytest process is killed.

What kills whom. The keeper is the only process that kills a child, when the pytest process asks for it. The pytest
process kills by itself only if the keeper is dead or does not answer within 3 s: the keeper's descendants, the members
of the keeper's session, and every process that bears the mark of this child (`mark.py`), then the keeper.

What happens if one of the three is killed or stopped:

- The child is killed: the keeper gets SIGCHLD and writes the signal. This is an outcome of the test.
- The child is stopped: the phase's limit passes. A SIGCONT wakes the child, so that its stacks can be taken, and the
  keeper kills it.
- The keeper is killed: the kernel kills the child (`PR_SET_PDEATHSIG`). `status` ends, the end of the child is `Lost`,
  and the pytest process kills what is left.
- The keeper is stopped: the pytest process sees the child's end by its pidfd, and sends the keeper SIGCONT.
- The pytest process is killed: the keeper's pidfd becomes readable, and a stopped keeper gets SIGCONT from the kernel.
  The keeper terminates the child, and the last keeper that lives removes the scratch directory of the run.
- The pytest process and the keeper are killed at once: the kernel kills the child. A descendant of the child survives;
  nobody is left to look for it.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from ..channel.expected_messages import Expected
from ..channel.orders import Order
from ..channel.wire import Sender
from ..model.choices import MESSAGE_LIMIT
from ..model.observation import EndedBy, Lost, Observation
from ..model.outcomes import Phase
from .inbox import Inbox
from .jvm_files import now, remove_jvm_files
from .probes.crash_gate import CrashGate, CrashWatch
from .process import processes
from .process.cgroup import oom_kills
from .process.fork import ChildMain, OpenEnds
from .process.keeper_client import KeptChild, launch
from .process.lender import Lender
from .process.scratch import RunFolder
from .process.signals import SignalsHeld, retry_interrupted
from .watch import Probe, Watch

Limits = Callable[[Phase], float]
"""Returns the limit of a phase in seconds; `math.inf` is no limit."""


class SupervisedChild:
    """A child, forked by the first call of `start` or `observe`, that serves one test or several.

    The caller must call `close`, also after an exception, and again if a signal handler interrupted that call.
    Signals are put off while the child is forked and while it is ended, because an exception there would lose a
    process. Between the two they are not: an exception there loses the result of the test and nothing else.
    """

    def __init__(
        self,
        child_main: ChildMain,
        crash: CrashWatch | None,
        ends: OpenEnds,
        lender: Lender | None = None,
        scratch: RunFolder | None = None,
        *,
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        """`crash` looks at a child that is held in its crash; `lender` lends the terminal to a debugger in the child.

        While either of them works, the limit of the phase stands still. If the pytest process is killed, the last
        keeper that lives removes `scratch`. `message_limit` is the number of bytes that the child's messages of one
        test may take.
        """
        self._scratch = scratch
        self._since = now()
        self._child_main = child_main
        self._message_limit = message_limit
        self._crash = crash
        self._lender = lender
        self._ends = ends
        self._gate: CrashGate | None = None
        self._kept: KeptChild | None = None
        self._inbox: Inbox | None = None
        self._served = 0
        self._oom_kills = 0
        """The control group's count of OOM kills when the child was forked."""

    def start(self, held: SignalsHeld | None = None) -> tuple[KeptChild, Inbox]:
        """Fork the child if that has not been done. Pass `held` if the caller has put off the signals already.

        Raise OSError if the child cannot be forked.
        """
        if self._kept is None or self._inbox is None:
            with SignalsHeld() if held is None else contextlib.nullcontext(held) as held:
                self._oom_kills = oom_kills()
                # The FIFOs must exist before the fork: a child that finds none does not wait in its crash.
                self._gate = self._gate or CrashGate.opened(self._crash, self._ends)
                self._kept = launch(self._child_main, self._ends, held, self._scratch)
                self._inbox = Inbox(self._kept.messages, self._message_limit)
        return self._kept, self._inbox

    def start_quietly(self, held: SignalsHeld | None = None) -> None:
        """Fork the child ahead of need. If that fails, the next `observe` tries again and reports the failure."""
        with contextlib.suppress(OSError):
            self.start(held)

    def observe(
        self,
        limits: Limits,
        *,
        probe: Probe | None = None,
        is_dying: Callable[[], bool] | None = None,
        order: Order | None = None,
        tick: Callable[[], object] | None = None,
        entered: Callable[[Phase], object] | None = None,
        expected: Expected | None = None,
        phase: Phase | None = None,
    ) -> Observation:
        """Send the child an order; watch until the child has done the order, has ended, or has passed a limit.

        The limit of the first phase counts from this call, the limit of another phase from its `PhaseStarted`. All
        phases together have the sum of the limits. A child that cannot be forked has the end `Lost`; no exception is
        raised.

        `probe` is called with the pid of a child that has passed a limit and still lives. `is_dying` is called before
        `probe`, and returns whether this child was already dying of a fatal error. `probe` must limit its own time.
        `tick` is called at once and then about once a second, `entered` when a phase begins; neither may raise.
        `expected` decides which messages are accepted, None accepts all. A child that sends any other message is ended.
        `phase` is that of a test that an earlier call has begun to watch; None for a test that has yet to begin.
        """
        began = time.monotonic()
        try:
            kept, inbox = self.start()
        except OSError as error:
            lost = Lost(f"no child could be forked: {error}")
            return Observation((), lost, EndedBy.ITSELF, Phase.FORK, 0.0, 0.0, limits(Phase.FORK))
        if order is not None:
            kept.send_order(order)
        # Only the first test waits for the fork and the JVM. A later one begins with its setup, under setup's limit.
        first = phase or (Phase.SETUP if self._served else Phase.FORK)
        watch = Watch(kept, inbox, limits, began, self._gate, first, tick, self._lender, entered, expected)
        self._served += 1
        if not watch.until_end():
            watch.at_deadline(probe, is_dying)
        killed = 0
        if not watch.waits_for_order:
            # At once, not in `close`: what the test has left running must not disturb the next test.
            with SignalsHeld():
                kept.terminate()
                # Read while signals are put off: an exception of a handler would leave the file to the garbage
                # collector, and Python warns of a file that was not closed.
                killed = max(0, oom_kills() - self._oom_kills)
            # The pipe still has what the child wrote before its end.
            watch.drain()
        if watch.waits_for_order:
            return watch.observation()
        return replace(watch.observation(), oom_kills=killed)

    def send_order(self, order: Order) -> None:
        """Send an order ahead of the call of `observe` that watches its test."""
        if self._kept is not None:
            self._kept.send_order(order)

    def interrupt(self) -> None:
        """Send SIGINT to the child, which is in another session and so gets no ^C from the terminal."""
        if self._kept is not None and self._kept.pid is not None:
            processes.kill(self._kept.pid, signal.SIGINT)

    @property
    def pid(self) -> int | None:
        """The pid of the child; None until the keeper has written it."""
        return None if self._kept is None else self._kept.pid

    @property
    def ended(self) -> bool:
        """Whether the keeper has said that the child has ended, or is gone itself."""
        if self._kept is not None and not self._kept.gone:
            self._kept.read_status()
        return self._kept is not None and (self._kept.gone or self._kept.end is not None)

    def close(self, last: Callable[[], object] = lambda: None) -> None:
        """End the child and all processes that it started; close the pipes.

        `last` removes the child's files. It is called between the child's end and the keeper's, so that the keeper
        removes the files if this process is killed first.
        """
        with SignalsHeld():
            retry_interrupted(functools.partial(self._close, last))

    def _close(self, last: Callable[[], object]) -> None:
        # Each step may be repeated: a handler that raises makes `retry_interrupted` begin again from the top.
        if self._kept is not None:
            self._kept.terminate()
        last()
        if self._kept is not None:
            self._kept.release()
            self._kept.close()
            # The keeper does this as well, but it may have been killed.
            if self._kept.pid is not None:
                remove_jvm_files(self._kept.pid, self._since)
        if self._gate is not None:
            self._gate.close()


def supervise(
    child_main: Callable[[Sender], None],
    *,
    limits: Limits,
    probe: Probe | None = None,
    crash: CrashWatch | None = None,
    ends: OpenEnds | None = None,
    tick: Callable[[], object] | None = None,
) -> Observation:
    """Run `child_main` in a forked child until it ends or passes a limit; see `SupervisedChild`.

    Calls that may overlap, in several threads, must share `ends`. When the call returns or raises, no process,
    descriptor or thread of the child is left.
    """
    child = SupervisedChild(lambda sender, _: child_main(sender), crash, ends or OpenEnds())
    try:
        return child.observe(limits, probe=probe, tick=tick)
    finally:
        try:
            retry_interrupted(child.close)
        # A signal handler may raise between the start of this block and the first line of the call.
        except BaseException:
            retry_interrupted(child.close)
            raise
