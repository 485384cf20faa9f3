"""The rounds of one test in one mode: how many failed, and which failures are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..model.outcomes import Outcome
from ..model.stress_choice import ALL_ROUNDS, Amount, Seed, Share
from .course import Course
from .verdict import bounds, rounds_in_words, verdict

PASSES: Final = frozenset({Outcome.PASSED, Outcome.XPASSED})
"""The outcomes of a round that did not fail. A failure that an `xfail` mark expects is a failure."""
MOST_ROWS: Final = 50
"""Rows that are kept one by one; a failure of another kind after these is counted in the last one."""
_MOST_TEXT: Final = 300


@dataclass(frozen=True)
class Failure:
    """The kind of a failure: equal ones are one row."""

    outcome: Outcome
    diagnosis: str | None
    frame: str
    """The top frame, or the line that raised."""


@dataclass
class Row:
    failure: Failure
    summary: str
    """Of the first round."""
    first_round: int
    seed: Seed
    """Repeats the first round."""
    schedule: str
    seconds: float
    """Of the first round."""
    count: int = 1


class Tally:
    """Counts the rounds of one test in one mode; `seed` is the run's, `threads` the number of threads of a round.

    `planned` is how many rounds were asked for, and `expected` are the outcomes that do not fail the test.
    `may_stop` is whether the results may end the rounds, and `share` says which rounds these are.
    """

    def __init__(
        self,
        seed: Seed,
        planned: Amount,
        threads: int = 1,
        expected: Collection[Outcome] = (Outcome.XFAILED,),
        *,
        may_stop: bool = False,
        share: Share = ALL_ROUNDS,
    ) -> None:
        self._seed = seed
        self._planned = planned
        self._may_stop = may_stop
        self._share = share
        self._threads = threads
        self._expected = expected
        self._outcomes = Counter[str]()
        self._passes = Counter[str]()
        self._course = Course()
        self.rows: list[Row] = []
        self.rounds = 0
        self.is_interrupted = False
        self.ends_with_skip = False
        """Whether the round after the counted ones was skipped, and no other followed."""
        self.stopped = ""
        """Why the results have ended the rounds; empty if they have not."""

    def add_pass(self, outcome: Outcome, seconds: float) -> None:
        self.rounds += 1
        self._passes[outcome.value] += 1
        self._course.add(outcome.value, seconds)

    def add(self, failure: Failure, summary: str, schedule: str, seed: Seed, seconds: float) -> bool:
        """Count a failed round; return whether it is the first of its row."""
        number = self.next_number
        self.rounds += 1
        self._outcomes[failure.outcome.value] += 1
        self._course.add(failure.outcome.value, seconds)
        row = next((row for row in self.rows if row.failure == failure), None)
        if row is None and len(self.rows) >= MOST_ROWS:
            row = self.rows[-1]
        if row is not None:
            row.count += 1
            return False
        self.rows.append(Row(failure, summary[:_MOST_TEXT], number, seed, schedule, seconds))
        return True

    @property
    def next_number(self) -> int:
        """The number of the round that follows."""
        return self._share.number(self.rounds)

    @property
    def failed(self) -> int:
        return self._outcomes.total()

    @property
    def foremost(self) -> Row | None:
        """The row with most rounds, the earlier one of two. An expected failure hides no other, however frequent."""
        return max(self.rows, key=lambda row: (row.failure.outcome not in self._expected, row.count), default=None)

    @property
    def fails(self) -> bool:
        """Whether a round failed in a way that is not expected."""
        return self.foremost is not None and self.foremost.failure.outcome not in self._expected

    def verdict(self) -> str:
        """Return the rate and how far it can be trusted, in one line."""
        remarks = f"; stopped after {self._done()}, {self.stopped}" if self.stopped else ""
        remarks += "; the run was interrupted" if self.is_interrupted else ""
        remarks += f"; round {self.next_number} was skipped, and no other followed" if self.ends_with_skip else ""
        died = all(row.failure.outcome.abnormal for row in self.rows)
        return verdict(self._outcomes, self.rounds, remarks, died=died, anytime=self._may_stop)

    def _done(self) -> str:
        if self._planned.rounds is None:
            return f"{rounds_in_words(self.rounds)}, before {self._planned} were over"
        return f"{self.rounds} of {rounds_in_words(self._planned.rounds)}"

    def as_data(self, rerun: tuple[str, ...], seconds: float) -> dict[str, Any]:
        """Return the tally as plain data for reports; `rerun` has the arguments that run the test again."""
        return {
            "seed": str(self._seed),
            "threads": self._threads,
            "planned": self._planned._asdict(),
            "rounds": self.rounds,
            "failed": self.failed,
            "interrupted": self.is_interrupted,
            "skipped": self.ends_with_skip,
            "stopped": self.stopped or None,
            "seconds": seconds,
            "interval": list(bounds(self.failed, self.rounds, anytime=self._may_stop)),
            "anytime": self._may_stop,
            "verdict": self.verdict(),
            "outcomes": {**self._passes, **self._outcomes},
            "durations": self._course.durations(),
            "course": self._course.bins(),
            "shrunk": None,
            "rows": [_row_data(row) for row in sorted(self.rows, key=lambda row: -row.count)],
            "rerun": list(rerun),
        }


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "count": row.count,
        "outcome": row.failure.outcome.value,
        "diagnosis": row.failure.diagnosis,
        "frame": row.failure.frame[:_MOST_TEXT],
        "summary": row.summary,
        "first_round": row.first_round,
        "seed": str(row.seed),
        "schedule": row.schedule,
    }


def lines_of(data: dict[str, Any]) -> Iterator[str]:
    """Yield the rows of a tally's data."""
    for row in data["rows"]:
        yield f"  {row['count']}x {row['outcome']}: {row['summary']}"
        yield f"     first in round {row['first_round']}, seed {row['seed']}: {row['schedule']}"
