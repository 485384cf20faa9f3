"""Which threads wait for which in a hang, and which of them can never go on, derived from all looks at the stacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from ..evidence.waits import PYTHON_END
from ..model.roles import awaits_the_body, is_at_rest, is_idle, is_of_c, is_worker
from ..model.stacks import Awaited, Gil, Motion, Thread, Wait
from ..model.wording import called, wait_words
from .case import Case

_LOOKS: Final = 3
"""Looks in which a thread must be in the same place before its wait counts: one look cannot tell slow from stuck."""
JAVA_LOCKS: Final = (Awaited.MONITOR, Awaited.SYNCHRONIZER)
# The other synchronizers, such as a latch, a semaphore or the condition of a queue, are held by no thread.
_LOCK: Final = re.compile(r"(?:Reentrant(?:ReadWrite)?Lock\$|StampedLock\b).*")
_TASK: Final = re.compile(
    r"java\.util\.concurrent\.(?:FutureTask|CompletableFuture\$\w+|ForkJoinTask\S*)\.(?:run|exec).*"
)
_POOL: Final = re.compile(r"(.+?)-(?:thread|worker)-\d+")
_VERBS: Final = {Awaited.FUTURE: "complete", Awaited.THREAD: "bring about"}
"""What the awaited thread must do with the thing; with any other kind of thing, release it."""


class Waiting:
    """The waits of all threads at the deadline. A thread is named by its index in `threads`, its place."""

    def __init__(self, threads: Sequence[Thread]) -> None:
        self.threads = threads
        self.stuck = self._stuck()

    def _stuck(self) -> dict[int, set[int]]:
        """Return the threads that can never go on, each with the threads of which one would have to act first.

        This is the largest set in which each thread waits only for threads of the set. If the evidence does not say
        which thread holds what a thread waits for, any thread that could hold it counts: a deadlock is proved only if
        all of these are in the set. The loop removes threads that wait for one outside, until nothing changes.
        """
        sought = {place: self._could_act(place) for place, thread in enumerate(self.threads) if stands(thread)}
        stuck = {place: others for place, others in sought.items() if others}
        while True:
            kept = {place: others for place, others in stuck.items() if others <= stuck.keys()}
            if len(kept) == len(stuck):
                return kept
            stuck = kept

    def _could_act(self, place: int) -> set[int]:
        if awaits_the_body(self.threads[place]):
            return {other for other, thread in enumerate(self.threads) if thread.current and other != place}
        wait = self.threads[place].waits[0]
        if wait.owner is not None:
            return {wait.owner} - {place}
        could = _could_give(wait)
        return {
            other
            for other, thread in enumerate(self.threads)
            if other != place and not is_at_rest(thread) and could(thread)
        }

    def gil_is_in_a_circle(self) -> bool:
        """Return whether the thread with the GIL waits, directly or through others, for a thread that needs the GIL."""
        holders = (place for place in self.stuck if self.threads[place].gil is Gil.HOLDS)
        return any(self.kind(other) is Awaited.GIL for place in holders for other in self.sought_by(place))

    def sought_by(self, start: int) -> set[int]:
        """Return all threads for which a stuck thread waits, directly or through others; in a circle also itself."""
        found: set[int] = set()
        left = [start]
        while left:
            new = self.stuck[left.pop()] - found
            found |= new
            left += new
        return found

    def links(self) -> tuple[str, ...]:
        """Return a line for each stuck thread, in the order of the evidence: the thread of the test comes first."""
        shown = [place for place in self.stuck if _is_named(self.threads[place])]
        return tuple(self._link(place) for place in sorted(shown))

    def _link(self, place: int) -> str:
        thread = self.threads[place]
        wait = thread.waits[0]
        holds = "holds the GIL, " if thread.gil is Gil.HOLDS else ""
        of = "" if wait.owner is not None else self._of(place)
        return f"{called(thread)} {holds}waits for {wait_words(wait, self.threads)}{of}"

    def _of(self, place: int) -> str:
        others = [self.threads[other] for other in sorted(self.stuck[place])]
        names = [called(other) for other in others if _is_named(other)]
        verb = _VERBS.get(self.threads[place].waits[0].kind, "release")
        return f", which only {' or '.join(names)} could {verb}" if names else ""

    def pools(self) -> list[tuple[list[Thread], bool]]:
        """Return the threads of each Java pool, and whether all are stuck. A thread's name says which pool it is of."""
        members: dict[str, list[int]] = {}
        for place, thread in enumerate(self.threads):
            if is_worker(thread) and (name := _POOL.fullmatch(thread.name or "")):
                members.setdefault(name[1], []).append(place)
        return [([self.threads[at] for at in places], self.stuck.keys() >= set(places)) for places in members.values()]

    def java_lock_held_by_one_that_waits_for(self, *kinds: Awaited) -> bool:
        """Return whether a thread waits for a Java lock while the lock's holder waits for that thread.

        The holder must wait for one of `kinds`; it may wait for the thread directly or through others.
        """
        waiters = [place for place in self.stuck if self.waits_for_java_lock(place)]
        return any(
            self.kind(other) in kinds and place in self.sought_by(other)
            for place in waiters
            for other in self.stuck[place]
        )

    def has_circle_of(self, *kinds: Awaited) -> bool:
        """Return whether threads wait in a circle for things of these kinds. Only waits with a known owner count."""
        owner = {place: self.threads[place].waits[0].owner for place in self.stuck if self.kind(place) in kinds}
        for start in owner:
            walked: list[int | None] = []
            place: int | None = start
            while place in owner and place not in walked:
                walked.append(place)
                place = owner[place]
            if place in walked:
                return True
        return False

    def waits_for_java_lock(self, place: int) -> bool:
        """Return whether a thread waits for a monitor, or for a lock of `java.util.concurrent.locks`."""
        kind = self.kind(place)
        wait = self.threads[place].waits[0] if kind in JAVA_LOCKS else None
        is_lock = wait is not None and (wait.owner is not None or _LOCK.fullmatch(wait.what) is not None)
        return kind is Awaited.MONITOR or is_lock

    def kind(self, place: int) -> Awaited | None:
        waits = self.threads[place].waits
        return waits[0].kind if waits and not awaits_the_body(self.threads[place]) else None


def _is_named(thread: Thread) -> bool:
    """Return whether a line is worth its place: not of this plugin's thread, nor of one of C that waits for work."""
    return not awaits_the_body(thread) and not (is_of_c(thread) and is_idle(thread))


def stands(thread: Thread) -> bool:
    """Return whether a thread waited in one place through all looks."""
    if awaits_the_body(thread):
        return True
    # A thread that waits for the GIL asks for it every 5 ms, which takes processor time: it seems to run.
    still = (Motion.STILL, Motion.RUNNING) if thread.waits and thread.waits[0].kind is Awaited.GIL else (Motion.STILL,)
    return bool(thread.waits) and thread.motion in still


def _could_give(wait: Wait) -> Callable[[Thread], bool]:
    """Return a function that returns whether a thread could end the wait.

    Only Python code releases a Python lock, or ends a thread of Python's. A task's future is completed by the thread
    that runs the task, or by Python code. Any thread may end any other wait: complete a CompletableFuture, for example.
    """
    if wait.kind is Awaited.PYTHON_LOCK or wait.what == PYTHON_END:
        return _runs_python
    if wait.kind is Awaited.FUTURE and not wait.what.startswith("CompletableFuture"):
        return lambda thread: runs_task(thread) or _runs_python(thread)
    return lambda thread: True


def _runs_python(thread: Thread) -> bool:
    return bool(thread.python_frames) and not awaits_the_body(thread)


def runs_task(thread: Thread) -> bool:
    """Return whether a thread runs a task of Java whose future others may wait for."""
    return any(_TASK.fullmatch(frame.function) for frame in thread.java_frames)


def waiting_in(case: Case) -> Waiting | None:
    """Return the waits of a case; None if there were too few looks to prove them."""
    return Waiting(case.evidence.threads) if case.evidence.looks >= _LOOKS else None
