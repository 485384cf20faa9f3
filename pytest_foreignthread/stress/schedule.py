"""What shakes a round, derived from its seed: intervals, delays, yields, collections, sizes."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

LEAST: Final = 1e-6
"""Seconds of the shortest delay and of the shortest switch interval."""
SWITCH: Final = 5e-3
"""Seconds of CPython's default switch interval."""
MOST_DELAY: Final = 5e-3
LEAST_LATE: Final = 1e-2
MOST_LATE: Final = 0.3
"""Seconds: longer than many a test waits for a result, before it goes on without."""
POOLS: Final = (1, 2, 4)
STACKS: Final = (None, 256 * 1024, 1024 * 1024, 8 * 1024 * 1024)
_RATES: Final = (0.0, 0.01, 0.1, 0.5)
_RARE: Final = 0.2
"""The rate of rounds that may have a late delay, which takes long, or a late cancel."""
_COLLECTIONS: Final = (0.0, 0.0, 0.001, 0.02)


@dataclass(frozen=True)
class Schedule:
    """Delays are in seconds, rates are probabilities."""

    seed: int
    """The seed of what is drawn during the round."""
    switch_interval: float = SWITCH
    submit_delay: float = 0.0
    """Before the call is handed to the foreign thread."""
    enter_delay: float = 0.0
    """On the foreign thread, before the function is called."""
    return_delay: float = 0.0
    """On the foreign thread, behind the function."""
    yield_rate: float = 0.0
    """Of a thread that lets the others run, at each entry of a function of the user's code."""
    collect_rate: float = 0.0
    """Of a run of Python's collector, at the same places."""
    java_collects: bool = False
    """Whether Java's collector runs at a submit, or at the function's end."""
    stack: int | None = None
    """In bytes, for a test that chooses none; None for the system's."""
    pool: int = 4
    """The threads of a pool at most, beside the one that the body may take."""
    late_delay: float = 0.0
    """Before the call of a function that the test has submitted, while the test goes on."""
    threads: int = 1
    """The threads that call the test function at once. No seed tells it: the test or an option does."""
    drops_callable: bool = False
    """Whether the submitter drops the callable that it has handed to the project's bridge, or to its launcher."""
    cancel_delay: float = 0.0
    """From the begin of a call until its Java future is cancelled; 0 for never."""

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        """The parts that differ from an ordinary run."""
        # CPython cuts the interval to whole microseconds.
        interval = int(self.switch_interval * 1e6) / 1e6
        times = (
            ("switch interval", interval if interval != SWITCH else 0.0),
            ("delay at submit", self.submit_delay),
            ("before the function", self.enter_delay),
            ("behind it", self.return_delay),
        )
        rates = (("yields at", self.yield_rate), ("collections at", self.collect_rate))
        parts = [f"{name} {_time(value)}" for name, value in times if value]
        parts += [f"{name} {100 * rate:g} % of the functions" for name, rate in rates if rate]
        parts += ["System.gc()"] if self.java_collects else []
        parts += [f"stack {self.stack // 1024}k"] if self.stack is not None else []
        parts += [f"pool of {self.pool}"] if self.pool != POOLS[-1] else []
        parts += [f"submitted calls late by {_time(self.late_delay)}"] if self.late_delay else []
        parts += ["callable dropped"] if self.drops_callable else []
        parts += [f"Java future cancelled {_time(self.cancel_delay)} after the call began"] if self.cancel_delay else []
        parts += [f"{self.threads} threads at once"] if self.threads > 1 else []
        return ", ".join(parts) or "as in an ordinary run"


def schedule_of(seed: int) -> Schedule:
    """Return the schedule of a round with that seed: each part is as in an ordinary run about every second time."""
    chance = random.Random(seed)
    return Schedule(
        seed=seed,
        switch_interval=_spread(chance, SWITCH) or SWITCH,
        submit_delay=_spread(chance, MOST_DELAY),
        enter_delay=_spread(chance, MOST_DELAY),
        return_delay=_spread(chance, MOST_DELAY),
        yield_rate=_one_of(chance, _RATES),
        collect_rate=_one_of(chance, _COLLECTIONS),
        java_collects=chance.random() < 0.1,
        stack=STACKS[chance.randrange(len(STACKS))] if chance.random() < 0.5 else None,
        pool=POOLS[chance.randrange(len(POOLS))],
        # New parts come last: a seed keeps what it gave before.
        late_delay=_spread(chance, MOST_LATE, LEAST_LATE) if chance.random() < _RARE else 0.0,
        drops_callable=chance.random() < 0.5,
        cancel_delay=_spread(chance, MOST_DELAY) if chance.random() < _RARE else 0.0,
    )


def _one_of(chance: random.Random, values: Sequence[float]) -> float:
    return values[chance.randrange(len(values))]


def _spread(chance: random.Random, most: float, least: float = LEAST) -> float:
    """Return 0 every second time, else a time whose logarithm is evenly spread."""
    value = math.exp(chance.uniform(math.log(least), math.log(most)))
    return value if chance.random() < 0.5 else 0.0


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"
