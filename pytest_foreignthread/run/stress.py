"""A stressed test: its rounds, one after the other, in children that serve this test only."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from ..channel.orders import RunTest
from ..channel.report_shape import BadShape
from ..collect.identity import as_typed, own_id
from ..model.observation import NotServed, SessionStopped
from ..model.records import RunRecord
from ..model.settings import Settings
from ..model.stress_choice import Amount, Seed
from ..report.pytest.recording import internal_error, jvm_failure, record_of
from ..report.pytest.reporting import child_reports
from ..report.text import summary
from ..stress.schedule import Schedule, schedule_of
from ..stress.seeds import round_seed
from ..stress.tally import PASSES, Failure, Tally
from .children import Children, Seen

_AGAIN: Final = 20
"""Rounds of the command that repeats a failed one: no two runs of a schedule are the same."""


@dataclass(frozen=True)
class Stressed:
    """What the rounds gave. `seen` is the round that stands for all: the first of the most frequent failure."""

    seen: Seen
    data: dict[str, Any] | None
    stop: SessionStopped | None = None
    """The interruption of the run during the rounds."""


def run_rounds(children: Children, item: pytest.Item, settings: Settings, amount: Amount, seed: Seed) -> Stressed:
    """Run the test round after round. An interrupted run keeps what it has counted."""
    return _Rounds(children, item, settings, amount, seed).run()


class _Rounds:
    def __init__(self, children: Children, item: pytest.Item, settings: Settings, amount: Amount, seed: Seed) -> None:
        self._children = children
        self._item = item
        self._settings = settings
        self._amount = amount
        self._seed = seed
        self._tally = Tally(seed, settings.stress_threads)
        self._began = time.monotonic()
        self._first: dict[int, Seen] = {}
        """Number of a round that is the first of its row → what was seen of it."""
        self._last: Seen | None = None

    def run(self) -> Stressed:
        child = self._children.for_rounds(self._item)
        try:
            while not self._is_enough():
                number = self._tally.rounds + 1
                seed = Seed(self._seed.run, self._seed.round or number)
                schedule = self._schedule(seed)
                seen = child.run(self._order(schedule, number))
                self._last = seen
                if self._ends_rounds(seen):
                    return Stressed(seen, self._data())
                if not self._count(seen, schedule, seed):
                    return Stressed(seen, self._data())
        except KeyboardInterrupt as error:
            if not self._tally.rounds:
                raise
            self._tally.is_interrupted = True
            return self._stressed(SessionStopped("interrupt", str(error) or "during the rounds of a stressed test"))
        finally:
            child.close()
        return self._stressed(None)

    def _is_enough(self) -> bool:
        return self._amount.is_reached(self._tally.rounds, time.monotonic() - self._began)

    def _schedule(self, seed: Seed) -> Schedule:
        assert seed.round is not None
        settings = self._settings
        return schedule_of(round_seed(seed.run, settings.test or self._item.nodeid, settings.mode, seed.round))

    def _order(self, schedule: Schedule, number: int) -> RunTest:
        # A process whose interpreter is finalized has no second round.
        last = number == self._amount.rounds or self._settings.finalize
        return RunTest(0, None, last=last, round=schedule.as_data())

    def _ends_rounds(self, seen: Seen) -> bool:
        """Whether the round is no result of the test: its child could not serve it, or it ends the run."""
        observation = seen.observation
        unserved = observation.refused or internal_error(observation) is not None
        unserved = unserved or observation.first(NotServed) is not None
        return bool(
            unserved
            or jvm_failure(observation, seen.taken) is not None
            or observation.first(SessionStopped) is not None
        )

    def _count(self, seen: Seen, schedule: Schedule, seed: Seed) -> bool:
        """Count the round; return whether another one has a use."""
        if seen.observation.all_passed:
            self._tally.add_pass()
            return True
        try:
            # pytest reads a report's data once: it changes the data. The round may yet stand for all.
            observation = copy.deepcopy(seen.observation)
            reports = child_reports(self._item, observation)
            record, _ = record_of(self._item, self._settings, observation, seen.taken, reports)
        except BadShape:
            # The round stands for all, and its result tells what was wrong.
            return False
        if record.outcome in PASSES:
            self._tally.add_pass()
            # A test that is skipped once is skipped again.
            return record.outcome.value != "skipped"
        is_new = self._tally.add(_failure(record, reports), summary(record), str(schedule), seed)
        if is_new:
            self._first[self._tally.rounds] = seen
        return True

    def _stressed(self, stop: SessionStopped | None) -> Stressed:
        row = self._tally.most_frequent
        seen = self._last if row is None else self._first[row.first_round]
        assert seen is not None
        return Stressed(seen, self._data(), stop)

    def _data(self) -> dict[str, Any] | None:
        """Return the tally as plain data; None where no round was counted."""
        if not self._tally.rounds:
            return None
        row = self._tally.most_frequent
        test = as_typed(self._item.config, own_id(self._item))
        rerun = () if row is None else (test, *self._settings.rerun_options, *self._again(row.seed))
        return self._tally.as_data(rerun, time.monotonic() - self._began)

    def _again(self, seed: Seed) -> Iterator[str]:
        yield f"--foreign-thread-stress={_AGAIN}"
        yield f"--foreign-thread-stress-seed={seed}"
        if self._settings.stress_threads > 1:
            yield f"--foreign-thread-stress-threads={self._settings.stress_threads}"


def _failure(record: RunRecord, reports: Sequence[pytest.TestReport]) -> Failure:
    diagnosis = None if record.diagnosis is None else record.diagnosis.code
    return Failure(record.outcome, diagnosis, _frame(record, reports))


def _frame(record: RunRecord, reports: Sequence[pytest.TestReport]) -> str:
    """Return the user's line, the top frame, or the line that raised; empty where nothing is known of it."""
    if record.at is not None:
        return f"{record.at.file}:{record.at.line}"
    thread = record.evidence.current_thread
    if thread is not None and thread.seen:
        frame = thread.seen[0]
        return str(frame.function or getattr(frame, "library", None) or "")
    for report in reports:
        crash = getattr(report.longrepr, "reprcrash", None)
        if report.outcome != "passed" and crash is not None:
            return f"{crash.path}:{crash.lineno}"
    return ""
