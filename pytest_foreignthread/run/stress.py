"""A stressed test: its rounds, one after the other, in children that serve this test only."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from ..channel.orders import RunTest
from ..channel.report_shape import BadShape
from ..collect.identity import as_typed, own_id
from ..config.stash_keys import ROUND
from ..interop import xdist
from ..interop.pytest_steps import is_strict_xpass
from ..model.observation import NotServed, SessionStopped
from ..model.outcomes import Outcome
from ..model.records import RunRecord
from ..model.settings import Settings
from ..model.stress_choice import ALL_ROUNDS, Amount, Seed, Share
from ..report.pytest.recording import internal_error, jvm_failure, record_of
from ..report.pytest.reporting import child_reports
from ..report.text import summary
from ..stress.schedule import Schedule, schedule_of
from ..stress.schedule_parts import with_only
from ..stress.seeds import round_seed
from ..stress.shrunk import Count
from ..stress.stopping import StopRule
from ..stress.tally import PASSES, Failure, Row, Tally
from .children import Children
from .served_test import ServedTest
from .started import COUNTED

_RERUN_ROUNDS: Final = 20
"""Rounds of the command that repeats a failed one: no two runs of a schedule are the same."""


@dataclass(frozen=True)
class Stressed:
    """What the rounds gave. `seen` is the round that stands for all: the first of the most frequent unexpected failure.

    If all failures are expected, it is the first of the most frequent one; without a failure it is the last round.
    """

    seen: ServedTest
    data: dict[str, Any] | None
    stop: SessionStopped | None = None
    """The interruption of the run during the rounds."""
    row: Row | None = None
    """The row of `seen`; None if no round failed."""


def run_rounds(
    children: Children, item: pytest.Item, settings: Settings, amount: Amount, rule: StopRule | None
) -> Stressed:
    """Run the test round after round, until the amount is reached or the rule stops the rounds.

    An interrupted run keeps what it has counted.
    """
    return _StressLoop(children, item, settings, amount, rule).run()


class _StressLoop:
    def __init__(
        self, children: Children, item: pytest.Item, settings: Settings, amount: Amount, rule: StopRule | None
    ) -> None:
        self._children = children
        self._item = item
        self._settings = settings
        share = Share(*(xdist.share_of_each(item.config) or ALL_ROUNDS))
        self._amount = amount = share.part_of(amount)
        self._seed = settings.stress_seed
        self._rule = rule
        expected = {*settings.known, Outcome.XFAILED}
        self._tally = Tally(
            self._seed, amount, settings.stress_threads, expected, may_stop=rule is not None, share=share
        )
        self._began = time.monotonic()
        self._first: dict[int, ServedTest] = {}
        """Number of a round that is the first of its row → what was seen of it."""
        self._last: ServedTest | None = None

    def run(self) -> Stressed:
        runner = self._children.round_runner(self._item)
        try:
            while not self._is_enough() and not self._stops():
                number = self._tally.next_number
                seed = self._seed._replace(round=self._seed.round or number)
                schedule = schedule_of_round(self._item, self._settings, seed)
                show_progress(self._item, self._settings, self._progress())
                began = time.monotonic()
                is_last = self._tally.rounds + 1 == self._amount.rounds
                seen = runner.run(order_of(self._settings, schedule, last=is_last))
                seconds = time.monotonic() - began
                stop = seen.observation.first(SessionStopped)
                if stop is not None and self._tally.rounds and not is_no_result(seen):
                    self._tally.is_interrupted = True
                    return self._stressed(stop)
                if ends_rounds(seen):
                    return Stressed(seen, self._data())
                try:
                    if not self._count(seen, schedule, seed, seconds):
                        break
                except BadShape:
                    # The round stands for all, and its result tells what was wrong.
                    return Stressed(seen, self._data())
                if (counted := self._item.config.stash.get(COUNTED, None)) is not None:
                    counted(self._fields_of_interrupted)
        except KeyboardInterrupt as error:
            if not self._tally.rounds:
                raise
            self._tally.is_interrupted = True
            return self._stressed(SessionStopped("interrupt", str(error) or "during the rounds of a stressed test"))
        finally:
            if (end := runner.close()) is not None:
                self._children.late.append((self._item, end))
        return self._stressed(None)

    def _is_enough(self) -> bool:
        return self._amount.is_reached(self._tally.rounds, time.monotonic() - self._began)

    def _stops(self) -> bool:
        """Return whether the results end the rounds, and let the tally say why."""
        tally = self._tally
        if self._rule is not None and tally.rounds:
            tally.stopped = self._rule.reason(Count(tally.failed, tally.rounds), fails=tally.fails)
        return bool(tally.stopped)

    def _progress(self) -> str:
        rounds = "" if self._amount.rounds is None else f" of {self._amount.rounds}"
        return f"round {self._tally.rounds + 1}{rounds}, {self._tally.failed} failed"

    def _count(self, seen: ServedTest, schedule: Schedule, seed: Seed, seconds: float) -> bool:
        """Count the round; return whether another one has a use. Raise BadShape if the child sent no reports."""
        if seen.observation.all_passed:
            failure, words = None, ""
        else:
            failure, words = failure_of(self._item, self._settings, seen)
        if failure is not None and failure.outcome is Outcome.SKIPPED:
            # A test that is skipped once is skipped again, and what did not run proves nothing.
            self._last = self._last or seen
            self._tally.ends_with_skip = True
            return False
        self._last = seen
        if failure is None or failure.outcome in PASSES:
            self._tally.add_pass(Outcome.PASSED if failure is None else failure.outcome, seconds)
        elif self._tally.add(failure, words, str(schedule), seed, seconds):
            self._first[self._tally.rows[-1].first_round] = seen
        return True

    def _stressed(self, stop: SessionStopped | None) -> Stressed:
        row = self._tally.foremost
        seen = self._last if row is None else self._first[row.first_round]
        assert seen is not None
        return Stressed(seen, self._data(), stop, row)

    def _data(self) -> dict[str, Any] | None:
        """Return the tally as plain data; None if no round was counted."""
        if not self._tally.rounds:
            return None
        row = self._tally.foremost
        rerun = () if row is None else rerun_of(self._item, self._settings, row.seed, _RERUN_ROUNDS)
        return self._tally.as_data(rerun, time.monotonic() - self._began)

    def _fields_of_interrupted(self) -> dict[str, Any]:
        """Return what the entry of the test has if the run ends here."""
        row = self._tally.foremost
        outcome = Outcome.PASSED if row is None else row.failure.outcome
        self._tally.is_interrupted = True
        try:
            return {"stress": self._data(), "outcome": outcome.value}
        finally:
            self._tally.is_interrupted = False


def rerun_of(item: pytest.Item, settings: Settings, seed: Seed, rounds: int) -> tuple[str, ...]:
    """Return the arguments of pytest that run so many rounds of the seed."""
    return (as_typed(item.config, own_id(item)), *options_of_rounds(settings, rounds, seed))


def options_of_rounds(settings: Settings, rounds: int, seed: Seed) -> Iterator[str]:
    """Yield the options with which pytest runs so many rounds of a test with the seed."""
    yield from settings.rerun_options
    yield f"--foreign-thread-stress={rounds}"
    yield f"--foreign-thread-stress-seed={seed}"
    if settings.stress_threads > 1:
        yield f"--foreign-thread-stress-threads={settings.stress_threads}"
    if settings.stress_stop:
        # The ini key would end them at the first failure, and the rate is what they are for.
        yield "--foreign-thread-stress-stop=false"


def schedule_of_round(item: pytest.Item, settings: Settings, seed: Seed) -> Schedule:
    """Return the schedule that a seed with a round has for the item, on as many threads as its settings have."""
    assert seed.round is not None
    schedule = schedule_of(round_seed(seed.run, settings.test or item.nodeid, settings.mode, seed.round))
    schedule = replace(schedule, threads=settings.stress_threads)
    return schedule if seed.parts is None else with_only(schedule, seed.parts)


def order_of(settings: Settings, schedule: Schedule, *, last: bool) -> RunTest:
    """Return the order for a round; whoever sends it sets the name of the item."""
    # A process whose interpreter is finalized has no second round.
    return RunTest(0, None, last=last or settings.finalize, round=schedule.as_data())


def show_progress(item: pytest.Item, settings: Settings, progress: str) -> None:
    """Let the live line say how far the rounds are."""
    if (note := item.config.stash.get(ROUND, None)) is not None:
        note(progress if settings.test and settings.test != item.nodeid else f"({settings.mode}) {progress}")


def ends_rounds(seen: ServedTest) -> bool:
    """Return whether the round is no result of the test, or ends the run."""
    return is_no_result(seen) or seen.observation.first(SessionStopped) is not None


def is_no_result(seen: ServedTest) -> bool:
    """Return whether the round is no result of the test: its child could not serve it."""
    observation = seen.observation
    unserved = observation.refused or internal_error(observation) is not None
    unserved = unserved or observation.first(NotServed) is not None
    return bool(unserved or jvm_failure(observation, seen.taken) is not None)


def failure_of(item: pytest.Item, settings: Settings, seen: ServedTest) -> tuple[Failure, str]:
    """Return the kind of a round's failure, and its summary; raise BadShape. The outcome may be one of `PASSES`."""
    # pytest reads a report's data once: it changes the data. The round may yet stand for all.
    observation = copy.deepcopy(seen.observation)
    reports = child_reports(item, observation)
    record, _ = record_of(item, settings, observation, seen.taken, reports)
    if record.outcome is Outcome.FAILED and any(map(is_strict_xpass, reports)):
        # One round that passes does not break the mark's promise: a failure in any round is the expected one.
        record = replace(record, outcome=Outcome.XPASSED)
    diagnosis = None if record.diagnosis is None else record.diagnosis.code
    return Failure(record.outcome, diagnosis, _frame(record, reports)), summary(record)


def _frame(record: RunRecord, reports: Sequence[pytest.TestReport]) -> str:
    """Return the user's line, the top frame, or the line that raised; empty if nothing is known of it."""
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
