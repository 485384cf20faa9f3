"""What a run of a suite has shown: plain outcomes, report and baseline → one row of the table, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pytest_foreignthread.matrix.baseline.changes import compare
from pytest_foreignthread.matrix.baseline.known import Baseline, words_of
from pytest_foreignthread.matrix.verdicts import CONTROL, Matrix, Verdict, matrix_of


@dataclass(frozen=True)
class Explained:
    """Tests that break in the same way for the same reason, which the baseline gives."""

    tests: tuple[str, ...]
    verdict: Verdict
    outcomes: str
    """Mode by mode, as in the baseline's file."""
    reason: str


@dataclass(frozen=True)
class SuiteResult:
    name: str
    version: str
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)
    left: int = 0
    """Tests of the plain run that the matrix does not have: doctests and the like."""
    explained: Sequence[Explained] = ()
    differences: Sequence[str] = ()
    """What is not as the plain run or the baseline says, each in a line; or why the suite did not run."""
    seconds_plain: float = 0
    seconds: float = 0

    @property
    def tests(self) -> int:
        return sum(self.verdicts.values())


def result_of(
    name: str, version: str, plain: Mapping[str, str], report: Mapping[str, Any], baseline: Baseline, today: date
) -> SuiteResult:
    """`plain` is test → outcome, `report` the machine-readable report of the matrix."""
    matrix = matrix_of(report["tests"], report["matrix"]["modes"])
    changes = [found.text for found in compare(baseline, matrix, today, complete=True)]
    return SuiteResult(
        name,
        version,
        Counter(row.verdict for row in matrix.rows),
        len(plain.keys() - {row.test for row in matrix.rows}),
        explained(matrix, baseline),
        [*control_against_plain(plain, matrix, baseline), *changes],
    )


def control_against_plain(plain: Mapping[str, str], matrix: Matrix, baseline: Baseline) -> list[str]:
    """Report the tests whose control does not end as plain pytest does: the child itself changes something there."""
    lines = []
    for row in matrix.rows:
        reported = {outcome.value for outcome in row.cells[CONTROL].outcomes} if CONTROL in row.cells else set()
        known = CONTROL in baseline.tests[row.test].outcomes if row.test in baseline.tests else False
        if reported != {expected := plain.get(row.test, "not run")} and not known:
            seen = "/".join(sorted(reported)) or "not run"
            lines.append(f"control: {row.test}: {expected} in plain pytest, {seen} in {CONTROL}")
    return lines


def explained(matrix: Matrix, baseline: Baseline) -> list[Explained]:
    groups: dict[tuple[Verdict, str, str], list[str]] = {}
    for row in matrix.rows:
        if (known := baseline.tests.get(row.test)) is not None:
            outcomes = ", ".join(f"{mode}={words_of(words)}" for mode, words in sorted(known.outcomes.items()))
            groups.setdefault((row.verdict, outcomes, known.reason), []).append(row.test)
    return [Explained(tuple(tests), *key) for key, tests in groups.items()]
