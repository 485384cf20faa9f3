"""One child from fork to end: hold it to its deadlines, end it, and say what was seen of each test that it served."""

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
"""Gives a phase's limit in seconds, `math.inf` for none."""


class SupervisedChild:
    """Forked by the first call. Whoever made it calls `close`, also when a signal's handler raised, perhaps again.

    Signals wait while it is forked and ended; in between nothing is lost with an exception but the test.
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
        """`crash` has a look at a child that says that it is dying, `lender` has the terminal for its debugger.

        The phase's time stands still meanwhile. `scratch` is removed by the keeper that is the last to outlive the
        pytest process. `message_limit` is the bytes that the child's messages of one test may take.
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
        """As many as the control group had when the child was forked."""

    def start(self, held: SignalsHeld | None = None) -> tuple[KeptChild, Inbox]:
        """Fork, where that has not been done; `held` are the signals where they are held already.

        Raise OSError when there is no room for a child.
        """
        if self._kept is None or self._inbox is None:
            with SignalsHeld() if held is None else contextlib.nullcontext(held) as held:
                self._oom_kills = oom_kills()
                self._gate = self._gate or CrashGate.opened(self._crash, self._ends)
                self._kept = launch(self._child_main, self._ends, held, self._scratch)
                self._inbox = Inbox(self._kept.messages, self._message_limit)
        return self._kept, self._inbox

    def start_quietly(self, held: SignalsHeld | None = None) -> None:
        """Fork now; where there is no room, `observe` will say so."""
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
    ) -> Observation:
        """Send the child its order; watch until the child has done that, has ended, or a phase passes its limit.

        FORK's limit counts from the start, the others' from their `PhaseStarted`; all together have the sum of the
        limits. `probe` is called with the pid of a child that passed its deadline, while it lives; it has to bound
        itself. `is_dying` is asked before that whether such a child is in the midst of its death. `tick` is called
        at once and about once a second after that, `entered` for each phase that begins; they must not raise. A child
        that cannot be forked is a `Lost` end, not an exception. `expected` says which messages are accepted, None for
        all: after another the child is ended.
        """
        began = time.monotonic()
        try:
            kept, inbox = self.start()
        except OSError as error:
            lost = Lost(f"no child could be forked: {error}")
            return Observation((), lost, EndedBy.ITSELF, Phase.FORK, 0.0, 0.0, limits(Phase.FORK))
        if order is not None:
            kept.give(order)
        # It has its JVM from its first test on.
        first = Phase.SETUP if self._served else Phase.FORK
        watch = Watch(kept, inbox, limits, began, self._gate, first, tick, self._lender, entered, expected)
        self._served += 1
        if not watch.until_end():
            watch.at_deadline(probe, is_dying)
        killed = 0
        if not watch.serving:
            with SignalsHeld():
                kept.terminate()
                # A handler that raised amid the reading would leave a file open for a moment, of which Python warns.
                killed = max(0, oom_kills() - self._oom_kills)
            watch.drain()
        if watch.serving:
            return watch.observation()
        return replace(watch.observation(), oom_kills=killed)

    def give(self, order: Order) -> None:
        """Send an order before the call that watches its result."""
        if self._kept is not None:
            self._kept.give(order)

    def interrupt(self) -> None:
        """Send the child what ^C at a terminal sends."""
        if self._kept is not None and self._kept.pid is not None:
            processes.kill(self._kept.pid, signal.SIGINT)

    @property
    def pid(self) -> int | None:
        """The child's; None while it is not known."""
        return None if self._kept is None else self._kept.pid

    @property
    def served(self) -> int:
        """How many times it was watched."""
        return self._served

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended, by now."""
        if self._kept is not None and not self._kept.gone:
            self._kept.read_status()
        return self._kept is not None and (self._kept.gone or self._kept.end is not None)

    def close(self, last: Callable[[], object] = lambda: None) -> None:
        """End the child with all that it started; no process and no descriptor of it is left.

        `last` removes its files, once it has ended and while its keeper still sees to them if this process is killed.
        """
        with SignalsHeld():
            retry_interrupted(functools.partial(self._close, last))

    def _close(self, last: Callable[[], object]) -> None:
        if self._kept is not None:
            self._kept.terminate()
        last()
        if self._kept is not None:
            self._kept.release()
            self._kept.close()
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
    """Run `child_main` in a forked child until it ends or a phase passes its limit, as `SupervisedChild` tells.

    `ends` is shared by all supervisions of a process that may be under way at once. When this returns or raises, no
    process, descriptor or thread of it is left.
    """
    child = SupervisedChild(lambda sender, _: child_main(sender), crash, ends or OpenEnds())
    try:
        return child.observe(limits, probe=probe, tick=tick)
    finally:
        try:
            retry_interrupted(child.close)
        # A handler may raise before the call has begun.
        except BaseException:
            retry_interrupted(child.close)
            raise
