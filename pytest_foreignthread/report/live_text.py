"""The progress of a run as one line of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..model.outcomes import Outcome
from .screen import Line, Screen, Span, cut, printable, width_of

_MARKUP: Final[Mapping[Outcome, tuple[str, ...]]] = {
    Outcome.PASSED: ("green",),
    Outcome.FAILED: ("red",),
    Outcome.ERROR: ("red",),
    Outcome.SEGFAULT: ("red", "bold"),
    Outcome.HANG: ("red", "bold"),
    Outcome.NULL_RESULT: ("red", "bold"),
    Outcome.CRASH: ("red", "bold"),
    Outcome.SKIPPED: ("yellow",),
    Outcome.XFAILED: ("yellow",),
    Outcome.XPASSED: ("yellow",),
}
"""The outcomes in the order in which they are shown. A narrow screen shows only the first."""
_SHORTEST_NAME: Final = 12
"""Terminal columns that a test's name needs at least: a shorter piece of it would not tell tests apart."""


@dataclass(frozen=True)
class Running:
    """A test that runs now, and the seconds for which it has run; `round` says how far its rounds are, if any."""

    nodeid: str
    seconds: float
    round: str = ""


@dataclass(frozen=True)
class Progress:
    """The state of a run. `left` is the estimated time to its end in seconds; None if there is no estimate yet."""

    done: int
    total: int
    outcomes: Mapping[Outcome, int]
    running: Sequence[Running] = ()
    left: float | None = None


def live_line(progress: Progress, screen: Screen) -> Line:
    """Return the parts that fit the width. The time left is dropped first, then the test's name, then the outcomes."""
    counts = list(_counts(progress))
    left = [] if progress.left is None else [Span(f" | {clock(progress.left)} left")]
    for fixed in ([*counts, *left], counts):
        room = screen.width - _width(fixed)
        if (running := _running(progress.running, room, screen)) is not None:
            return *counts, *running, *fixed[len(counts) :]
    while len(counts) > 1 and _width(counts) > screen.width:
        counts.pop()
    return tuple(counts) if _width(counts) <= screen.width else ()


def _counts(progress: Progress) -> Iterator[Span]:
    yield Span(f" {progress.done}/{progress.total}", ("bold",))
    for outcome, markup in _MARKUP.items():
        if number := progress.outcomes.get(outcome):
            yield Span(f"  {outcome.value} {number}", markup)


def _running(running: Sequence[Running], room: int, screen: Screen) -> Line | None:
    """Return the test that has run longest and how many tests run; None if `room` columns are too few."""
    if not running:
        return () if room >= 0 else None
    longest = max(running, key=lambda one: one.seconds)
    start = " | " if len(running) == 1 else f" | {len(running)} running: "
    time = f" {duration(longest.seconds)}" if longest.seconds >= 1 else ""
    name = printable(longest.nodeid, screen)
    for ending in (f" {longest.round}{time}" if longest.round else time, time):
        for_name = room - len(start) - len(ending)
        if for_name >= min(width_of(name), _SHORTEST_NAME):
            return Span(start), Span(cut(name, for_name, screen)), Span(ending, ("bold",))
    return None


def _width(line: Sequence[Span]) -> int:
    return sum(width_of(span.text) for span in line)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{clock(int(seconds))} {'min' if seconds < 3600 else 'h'}"


def clock(seconds: float) -> str:
    """Return a time such as `2:10`; from an hour on `1:02:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
