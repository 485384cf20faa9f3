"""Who waits for whom in a hang, and which threads can never go on, told from all looks at their stacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from ..model.roles import awaits_the_body, is_at_rest, is_worker
from ..model.stacks import Awaited, Gil, Motion, Thread, Wait
from ..model.wording import called, wait_words
from .case import Case

_LOOKS: Final = 3
"""Looks through which threads must stand still before their waits are called a deadlock."""
JAVA_LOCKS: Final = (Awaited.MONITOR, Awaited.SYNCHRONIZER)
_TASK: Final = re.compile(
    r"java\.util\.concurrent\.(?:FutureTask|CompletableFuture\$\w+|ForkJoinTask\S*)\.(?:run|exec).*"
)
_POOL: Final = re.compile(r"(.+?)-(?:thread|worker)-\d+")


class Waiting:
    """Who waits for whom at the deadline."""

    def __init__(self, threads: Sequence[Thread]) -> None:
        self.threads = threads
        self.stuck = self._stuck()

    def _stuck(self) -> dict[int, set[int]]:
        """Return the threads that can never go on, each with all those of which one would have to act first.

        The largest set in which each waits for members of the set alone. Where the evidence does not tell who holds
        what a thread waits for, it waits for whoever could: then all of them have to be in the set.
        """
        sought = {place: self._could_act(place) for place, thread in enumerate(self.threads) if _stands(thread)}
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
        """Whether the thread that holds the GIL waits, at last, for one that waits for the GIL."""
        holders = (place for place in self.stuck if self.threads[place].gil is Gil.HOLDS)
        return any(self.kind(other) is Awaited.GIL for place in holders for other in self.sought_by(place))

    def sought_by(self, start: int) -> set[int]:
        """Return all that a stuck thread waits for, in however many steps: itself too, where that is a circle."""
        found: set[int] = set()
        left = [start]
        while left:
            new = self.stuck[left.pop()] - found
            found |= new
            left += new
        return found

    def links(self) -> tuple[str, ...]:
        """Return a line for each link, the thread that the test runs on first."""
        shown = [place for place in self.stuck if not awaits_the_body(self.threads[place])]
        return tuple(self._link(place) for place in sorted(shown))

    def _link(self, place: int) -> str:
        thread = self.threads[place]
        wait = thread.waits[0]
        holds = "holds the GIL, " if thread.gil is Gil.HOLDS else ""
        of = "" if wait.owner is not None else self._of(place)
        return f"{called(thread)} {holds}waits for {wait_words(wait, self.threads)}{of}"

    def _of(self, place: int) -> str:
        others = [self.threads[other] for other in sorted(self.stuck[place])]
        names = [called(other) for other in others if not awaits_the_body(other)]
        return f", which only {' or '.join(names)} could give" if names else ""

    def pools(self) -> list[tuple[list[Thread], bool]]:
        """Return the threads of each pool, and whether none of them can ever go on."""
        members: dict[str, list[int]] = {}
        for place, thread in enumerate(self.threads):
            if is_worker(thread) and (name := _POOL.fullmatch(thread.name or "")):
                members.setdefault(name[1], []).append(place)
        return [([self.threads[at] for at in places], self.stuck.keys() >= set(places)) for places in members.values()]

    def java_lock_held_by_one_that_waits_for(self, *kinds: Awaited) -> bool:
        """Whether one waits for a Java lock of a thread that waits for a thing of these kinds, and so for the first."""
        waiters = [place for place in self.stuck if self.kind(place) in JAVA_LOCKS]
        return any(
            self.kind(other) in kinds and place in self.sought_by(other)
            for place in waiters
            for other in self.stuck[place]
        )

    def has_circle_of(self, *kinds: Awaited) -> bool:
        """Whether threads that wait for things of these kinds, of which the owners are known, wait in a circle."""
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

    def kind(self, place: int) -> Awaited | None:
        waits = self.threads[place].waits
        return waits[0].kind if waits and not awaits_the_body(self.threads[place]) else None


def _stands(thread: Thread) -> bool:
    if awaits_the_body(thread):
        return True
    # Whoever waits for the GIL asks for it every 5 ms, which costs time.
    still = (Motion.STILL, Motion.RUNNING) if thread.waits and thread.waits[0].kind is Awaited.GIL else (Motion.STILL,)
    return bool(thread.waits) and thread.motion in still


def _could_give(wait: Wait) -> Callable[[Thread], bool]:
    """Tell who could give what is waited for; any thread may complete a CompletableFuture."""
    if wait.kind is Awaited.PYTHON_LOCK:
        return _runs_python
    if wait.kind is Awaited.FUTURE and not wait.what.startswith("CompletableFuture"):
        return lambda thread: _runs_task(thread) or _runs_python(thread)
    return lambda thread: True


def _runs_python(thread: Thread) -> bool:
    return bool(thread.python_frames) and not awaits_the_body(thread)


def _runs_task(thread: Thread) -> bool:
    return any(_TASK.fullmatch(frame.function) for frame in thread.java_frames)


def waiting_in(case: Case) -> Waiting | None:
    """Return the waits of a case; None where too few looks tell of them."""
    return Waiting(case.evidence.threads) if case.evidence.looks >= _LOOKS else None
