"""The known outcomes of a run: those of the baseline's file, and those of the tests' markers, which come first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ...model.outcomes import Outcome
from ..verdicts import BREAKS, Matrix, row_of
from .known import Baseline, Known

BY_MARKER: Final = "expected by its marker"
UPDATING: Final = "goes into the baseline"

Expected = Mapping[str, frozenset[Outcome]]


@dataclass(frozen=True)
class KnownOutcomes:
    baseline: Baseline = field(default_factory=lambda: Baseline({}))
    updating: bool = False
    """Whether the run writes its outcomes into the baseline: then all are known, and none fails the run."""

    def of(self, test: str, mode: str, expect: Expected) -> dict[Outcome, str]:
        """Return the outcomes that do not fail a test in a mode → the reason. An expired entry still counts."""
        if mode in expect:
            return dict.fromkeys(expect[mode], BY_MARKER)
        if self.updating:
            return dict.fromkeys(BREAKS, UPDATING)
        known = self.baseline.tests.get(test)
        return {} if known is None else dict.fromkeys(known.outcomes.get(mode, ()), known.reason)

    def with_markers(self, expected: Mapping[str, Expected]) -> Baseline:
        """Return the baseline with the outcomes of markers added (test → mode → outcomes)."""
        tests = dict(self.baseline.tests)
        for test, outcomes in expected.items():
            known = tests.get(test, Known(test, {}, BY_MARKER))
            tests[test] = replace(known, outcomes={**known.outcomes, **outcomes})
        return replace(self.baseline, tests=tests)


def without_expected(matrix: Matrix, expected: Mapping[str, Expected]) -> Matrix:
    """Return the matrix without the cells whose outcomes a marker expects, so that an update does not write them."""
    rows = (
        row_of(row.test, {mode: cell for mode, cell in row.cells.items() if mode not in expected.get(row.test, {})})
        for row in matrix.rows
    )
    return replace(matrix, rows=tuple(rows))


def split(baseline: Baseline, matrix: Matrix, is_gone: Callable[[str], bool]) -> tuple[Baseline, dict[str, Known]]:
    """Return the entries that the run can judge, and the others: of tests that did not run and may still exist."""
    ran = {row.test for row in matrix.rows}
    aside = {test: known for test, known in baseline.tests.items() if test not in ran and not is_gone(test)}
    rest = {test: known for test, known in baseline.tests.items() if test not in aside}
    return replace(baseline, tests=rest), aside
