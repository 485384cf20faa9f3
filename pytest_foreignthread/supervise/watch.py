"""The watch over a child while it serves one test: its messages, its limits, its crash, its end."""

from __future__ import annotations

import math
import select
import signal
import time
from collections.abc import Callable

from ..channel.expected_messages import Expected, Unexpected
from ..model.documents import HELD_CRASH
from ..model.observation import (
    CANNOT_ACCEPT,
    ENDED_BY_ITSELF,
    DebuggerEntered,
    DebuggerLeft,
    End,
    EndedBy,
    Exited,
    InternalError,
    Lost,
    Message,
    Observation,
    PhaseStarted,
    ReportMade,
    SessionStopped,
    Signaled,
    Taken,
    TestEnded,
    WaitsForOrder,
)
from ..model.outcomes import Phase
from ..model.settings import MESSAGE_LIMIT_OPTION
from .inbox import Inbox
from .probes.crash_gate import CrashGate
from .probes.held_thread import HeldThread, crash_document
from .process import processes
from .process.keeper_client import KeptChild
from .process.lender import Lender

Probe = Callable[[int], Taken]
"""Takes documents of a child by its pid; it must limit its own time."""

# Seconds. poll() takes milliseconds in a C int and raises OverflowError for an endless limit; the loop polls again.
_LONGEST_WAIT = 3600.0
# Seconds that the keeper may take to write how the child ended, once the child's pidfd shows that it has. A keeper that
# cannot run must not delay the result by the whole limit of the phase.
_ANSWER = 2.0
# Seconds between two looks at what is left of the limit while a debugger has the terminal.
_DEBUGGED = 1.0
_UNWRITTEN = 0.5
"""Seconds that faulthandler may take to write the stacks for a thread that crashed before the one that was found."""
_CRASH_STEPS = (0.02, 0.25)
"""Seconds until the first look for a thread that is held in its crash, and the longest pause between two looks.

A child without a JVM writes to no FIFO when it crashes: only a look at /proc finds the thread. The pauses grow, so that
a long test costs few looks.
"""
TICK = 1.0
"""Seconds between two calls of `tick`."""


class Watch:
    """The watch over one test: what the child has sent and done so far, and when to look next."""

    def __init__(
        self,
        kept: KeptChild,
        inbox: Inbox,
        limits: Callable[[Phase], float],
        began: float,
        gate: CrashGate | None,
        first: Phase = Phase.FORK,
        tick: Callable[[], object] | None = None,
        lender: Lender | None = None,
        entered: Callable[[Phase], object] | None = None,
        expected: Expected | None = None,
    ) -> None:
        self.kept = kept
        self._lender = lender or Lender(None)
        self._lender.begin()
        self._entered = entered
        self._inbox = inbox
        inbox.begin()
        self._expected = expected
        self._refused = ""
        self._gate = gate
        self._limits = limits
        self._began = began
        self._messages: list[Message] = []
        self.waits_for_order = False
        """Whether the child has done its order, and waits for the next."""
        self._ended_by = EndedBy.ITSELF
        self._dying = False
        self._ended_at: float | None = None
        self._crash_due = began if gate is not None and gate.is_silent else math.inf
        """When to look next for a thread that is held in its crash; never in a child that writes to a FIFO."""
        self._crash_step = _CRASH_STEPS[0]
        self._held_since: float | None = None
        """When a look first found a thread that is held in its crash."""
        self._died_of: int | None = None
        """The signal of a crash in which a thread was held: however the child ends then, it has died of this signal."""
        self._answer_due: float | None = None
        """When to stop waiting for the keeper's line on the child's end; None until the child's pidfd shows the end."""
        self._documents: dict[str, str] = {}
        self._missing: dict[str, str] = {}
        self._notes: list[str] = []
        self._tick = tick
        self._tick_due = math.inf if tick is None else began
        # A test that writes phase marks into the pipe must not put off its deadline for ever.
        self._last_due = began + sum(map(limits, Phase))
        self._enter(first, began)

    def _enter(self, phase: Phase, now: float) -> None:
        self._phase, self._phase_began, self._limit = phase, now, self._limits(phase)
        if self._entered is not None:
            self._entered(phase)

    def until_end(self) -> bool:
        """Wait until the child has ended, waits for its next order, or was refused; return False if a limit passed."""
        try:
            return self._until_end()
        finally:
            self._put_off_limits(self._lender.take_back(in_order=False))

    def _until_end(self) -> bool:
        # poll(), not select(): select() takes no descriptor above 1023, and a large suite may have more files open.
        poll = select.poll()
        gate = [] if self._gate is None else [self._gate.descriptor]
        for descriptor in (self.kept.status, self.kept.messages, *gate):
            poll.register(descriptor, select.POLLIN)
        if self.kept.send_on():
            poll.register(self.kept.orders, select.POLLOUT)
        watching_pid = False
        # Messages that the last watch has read and not taken are no news to poll().
        self._take_messages()
        while self.kept.end is None and not self.waits_for_order and not self._refused:
            # The pidfd comes with the keeper's first line.
            if not watching_pid and self.kept.pidfd is not None:
                poll.register(self.kept.pidfd, select.POLLIN)
                watching_pid = True
            for descriptor, _ in poll.poll(min(self._until_look(), self._until_tick(), self._until_crash()) * 1000):
                if not self._serve(descriptor):
                    poll.unregister(descriptor)
            if self._tick is not None and self._until_tick() <= 0:
                self._tick_due = time.monotonic() + TICK
                # A debugger's prompt stands on the screen: the live line must not be drawn over it.
                if not self._lender.lends:
                    self._tick()
            # Also once a limit has passed: a child that waits in its crash is no hang.
            if self._until_crash() <= 0 or self._seconds_left() <= 0:
                self._look_for_held_thread()
            if self._seconds_left() <= 0 and not self._late_news():
                return self._stop_at_limit()
        self._ended_at = time.monotonic()
        return True

    def _seconds_left(self) -> float:
        limit = min(self._phase_began + self._limit, self._last_due) + self._lender.stood()
        due = self._answer_due or limit
        return max(0.0, min(due - time.monotonic(), _LONGEST_WAIT))

    def _until_look(self) -> float:
        # A debugger stops the clock. What is left of the limit does not shrink then: a wait of that length, which may
        # be next to nothing, would make this a busy loop.
        return _DEBUGGED if self._lender.lends else self._seconds_left()

    def _until_tick(self) -> float:
        return max(0.0, self._tick_due - time.monotonic())

    def _until_crash(self) -> float:
        return max(0.0, self._crash_due - time.monotonic())

    def _look_for_held_thread(self) -> None:
        """Look for a thread that is held in its crash; take its documents, and end the child."""
        if self._gate is None or not self._gate.is_silent:
            return
        began = time.monotonic()
        self._crash_step = min(self._crash_step * 1.5, _CRASH_STEPS[1])
        if (held := self._gate.held(self.kept.pid)) is not None:
            self._crash_step = _CRASH_STEPS[0]
            self._note_held(held)
            # Another thread that has crashed at the same time may still write Python's stacks.
            if self._held_since is None:
                self._held_since = began
            elif held.has_written or began - self._held_since > _UNWRITTEN:
                if self._gate.wants_first_look():
                    self._look(self._gate.look, held.pid)
                processes.signal_thread(held.pid, held.tid, signal.SIGKILL)
            self._put_off_limits(time.monotonic() - began + self._crash_step)
        elif self._phase is Phase.EXIT:
            # The process does not wait: it ends while a thread is held.
            self._crash_step = _CRASH_STEPS[0]
        self._crash_due = time.monotonic() + self._crash_step

    def _note_held(self, held: HeldThread) -> None:
        # Before pystack's look: a thread that pystack has just traced runs for a moment, and shows no stack pointer.
        self._documents[HELD_CRASH] = crash_document(held)
        self._died_of = held.signal

    def _serve(self, descriptor: int) -> bool:
        """Read what is ready at a descriptor; return False if nothing more will come from it."""
        if descriptor == self.kept.status:
            self.kept.read_status()
            return not self.kept.gone
        if descriptor == self.kept.messages:
            size = self._inbox.read()
            self._take_messages()
            return size != 0
        if descriptor == self.kept.orders:
            return self.kept.send_on()
        if self._gate is not None and descriptor == self._gate.descriptor:
            self._look_at_crash(self._gate)
            return True
        # The pidfd: the child has ended. Only the keeper can tell how, and the test may have stopped the keeper.
        self.kept.wake_keeper()
        self._answer_due = time.monotonic() + _ANSWER
        return False

    def _look_at_crash(self, gate: CrashGate) -> None:
        pid = self.kept.pid
        if pid is not None and gate.wants_look(pid):
            began = time.monotonic()
            self._look(gate.look, pid)
            self._put_off_limits(time.monotonic() - began)
        gate.release()

    def _put_off_limits(self, seconds: float) -> None:
        """Put off the limits by time that the supervisor or a debugger took, and not the test."""
        self._phase_began += seconds
        self._last_due += seconds

    def _look(self, probe: Probe, pid: int) -> None:
        documents, missing = _probed(probe, pid)
        self._documents.update(documents)
        self._missing.update(missing)

    def _late_news(self) -> bool:
        """Return whether the child did something in time that this process has not read yet.

        This process, not the child, may be late, because it was stopped (SIGSTOP) or got no processor time. What is in
        the pipes was written before this look, and so counts more than the clock.
        """
        self.drain()
        self.kept.read_status()
        return self.kept.end is not None or self.waits_for_order or bool(self._refused) or self._seconds_left() > 0

    def _stop_at_limit(self) -> bool:
        """Note the time. Return whether the limit was the keeper's: then the child has ended."""
        self._ended_at = time.monotonic()
        return self._answer_due is not None

    def _take_messages(self) -> None:
        for message in self._inbox.take():
            if not self._is_expected(message):
                return
            if self._ended_by is EndedBy.DEADLINE and isinstance(message, (TestEnded, ReportMade)):
                # Too late: the looks at the child, or its wake, may have let it go on. The test stays a hang, and has
                # no second outcome in the same phase.
                continue
            if isinstance(message, TestEnded):
                self.waits_for_order = True
                self._check_what_follows()
                break
            self._messages.append(message)
            if self._ended_at is None:
                self._act_on(message)
        if self._inbox.exceeded:
            self._refuse(
                f"sent more than {self._inbox.limit} bytes of messages (reports and warnings) to pytest: let the test "
                f"write less, or raise {MESSAGE_LIMIT_OPTION}"
            )

    def _check_what_follows(self) -> None:
        """Refuse a child that has sent messages behind the end of its test, other than those of threads that run on.

        The child has no order for another test yet. In a child that serves several tests, a test could otherwise send
        reports ahead, and so decide the outcome of the next test.
        """
        self._inbox.drain()
        for message in self._inbox.waiting:
            if not self._is_expected(message):
                return

    def _is_expected(self, message: Message) -> bool:
        """Return whether a message is accepted. After a message that was not accepted, no other is."""
        if self._refused:
            return False
        try:
            if self._expected is not None:
                self._expected.take(message)
        except Unexpected as error:
            words = CANNOT_ACCEPT if isinstance(message, ReportMade) else CANNOT_ACCEPT.replace("report", "message")
            self._refuse(f"{words}: {error}{self._about_foreign_lines()}")
            return False
        return True

    def _about_foreign_lines(self) -> str:
        """Return a remark on lines in the pipe that are no message, which may have damaged the expected one."""
        if not (count := self._inbox.foreign_lines):
            return ""
        lines = "1 line that is no message" if count == 1 else f"{count} lines that are no messages"
        return f" (pytest received {lines}: code in the child wrote to a file descriptor that it did not open)"

    def _refuse(self, words: str) -> None:
        # The messages of a child that has passed its limit do not make the test less of a hang.
        if self._ended_by is not EndedBy.DEADLINE:
            self._refused, self._ended_by = self._refused or words, EndedBy.REFUSAL
            self.waits_for_order = False

    def _act_on(self, message: Message) -> None:
        match message:
            case PhaseStarted(phase):
                self._enter(phase, time.monotonic())
            case DebuggerEntered(at_terminal, at):
                began = max(at, self._phase_began)
                self._lender.lend(lambda: self.kept.pid, at_terminal=at_terminal, at=at, began=began)
            case SessionStopped():
                # The run ends in this phase. Reports of a run that was cut short name the phase entered last, and that
                # must not be the teardown, which still follows.
                self._entered = None
            case DebuggerLeft():
                self._put_off_limits(self._lender.take_back(in_order=True))

    def drain(self) -> None:
        self._inbox.drain()
        self._take_messages()

    def at_deadline(self, probe: Probe | None, is_dying: Callable[[], bool] | None = None) -> None:
        """Take the stacks of a child that has passed its limit.

        `is_dying` is called first: the signals that ask for stacks, and the one that wakes a stopped child, may kill
        the child, and a death that they cause is no outcome of the test.
        """
        # Before anything is sent: from here on, the end of the child is this process's doing.
        self._ended_by = EndedBy.DEADLINE
        self._dying = is_dying is not None and is_dying()
        pid = self.kept.pid
        if pid is None:
            return
        stat = processes.stat(pid)
        if stat is not None and stat.stopped:
            self._notes.append("the child was stopped")
        if self._gate is not None:
            # A child that dies while its stacks are taken must not wait in its crash for a look that never comes.
            self._gate.release()
        if probe is not None:
            self._look(probe, pid)
        held = None if self._gate is None else self._gate.held(pid)
        ended = self.kept.pidfd is not None and processes.wait_readable(self.kept.pidfd, 0)
        if held is not None:
            self._died_of = held.signal
        if ended or held is not None:
            self._notes.append(ENDED_BY_ITSELF)

    def observation(self) -> Observation:
        kept, ended_at = self.kept, self._ended_at or time.monotonic()
        if kept.leftovers:
            self._notes.append(f"{kept.leftovers} process(es) outlived the child and were killed")
        if kept.survivors:
            self._notes.append(f"{kept.survivors} process(es) could not be killed")
        if kept.internal_error:
            self._messages.append(InternalError(kept.internal_error))
        return Observation(
            messages=tuple(self._messages),
            end=WaitsForOrder() if self.waits_for_order else self._end(),
            ended_by=self._ended_by,
            phase=self._phase,
            duration=ended_at - self._began,
            phase_duration=ended_at - self._phase_began,
            phase_limit=self._limit,
            torn=self._inbox.torn,
            documents=self._documents,
            missing=self._missing,
            notes=tuple(self._notes),
            refused=self._refused,
            dying=self._dying,
        )

    def _end(self) -> End:
        if self._died_of is not None and isinstance(self.kept.end, (Exited, Signaled)):
            return Signaled(self._died_of)
        return self.kept.end or Lost("the end of the child was not seen")


def _probed(probe: Probe, pid: int) -> Taken:
    try:
        return probe(pid)
    # The probe reads a process in any state, and a child of which nothing can be read is still a hang.
    except Exception as error:
        return {}, {"probe": f"{type(error).__name__}: {error}"}
