"""The baseline of a run: the start of the run reads the file; the end compares the outcomes with it, or updates it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from ..config.chosen_options import Options
from ..config.option_values import check_file, no_such_mode
from ..matrix.baseline import file
from ..matrix.baseline.changes import Difference, compare, update
from ..matrix.baseline.known import Baseline
from ..matrix.baseline.merged import Expected, KnownOutcomes, split, without_expected
from ..matrix.verdicts import Matrix, Row
from ..report import whole_file


@dataclass(frozen=True)
class Settled:
    """What the last lines of a run say about the baseline. All fields are empty if the run has no baseline."""

    differences: Sequence[Difference] = ()
    note: str = ""
    """How many breaks are as the baseline knows them. After an update of the file: what the update changed."""
    error: str = ""
    """Why the file could not be written; empty if no error occurred."""


def load(options: Options, modes: Sequence[str]) -> KnownOutcomes:
    """Return the outcomes that the baseline's file lists, or an empty baseline if the options name no file.

    Raise UsageError if the file cannot be read, understood or updated, if it names none of `modes`, or if an update is
    asked for without a file.
    """
    path, updating = options.baseline, options.update_baseline
    if updating and path is None:
        raise pytest.UsageError("--foreign-thread-update-baseline: expected --foreign-thread-baseline=FILE as well")
    if path is None:
        return KnownOutcomes()
    if updating:
        _check_it_can_be_written(Path(path))
    if updating and not Path(path).exists():
        return KnownOutcomes(Baseline({}), updating)
    try:
        baseline = file.read(Path(path))
    except file.BaselineError as error:
        raise pytest.UsageError(str(error)) from None
    for known in baseline.tests.values():
        if wrong := [mode for mode in known.outcomes if mode not in modes]:
            raise pytest.UsageError(f"{path}:{known.line}: {no_such_mode(wrong[0], modes)}")
    return KnownOutcomes(baseline, updating)


def _check_it_can_be_written(path: Path) -> None:
    try:
        check_file(path)
    except ValueError as error:
        raise pytest.UsageError(f"--foreign-thread-baseline: {error}") from None


def differences(
    known: KnownOutcomes, matrix: Matrix, expected: Mapping[str, Expected], is_gone: Callable[[str], bool]
) -> Settled:
    baseline, _ = split(known.with_markers(expected), matrix, is_gone)
    breaks = sum(_known_breaks(baseline, row) for row in matrix.rows)
    return Settled(compare(baseline, matrix, date.today(), complete=True), f"{breaks} as known" if breaks else "")


def differences_from_markers(
    matrix: Matrix, expected: Mapping[str, Expected], is_gone: Callable[[str], bool]
) -> Settled:
    """Return the differences of the tests whose markers expect outcomes, without a baseline's file."""
    marked = replace(matrix, rows=tuple(row for row in matrix.rows if row.test in expected))
    return differences(KnownOutcomes(), marked, expected, is_gone)


def brought_up_to_date(
    path: Path, old: Baseline, matrix: Matrix, expected: Mapping[str, Expected], is_gone: Callable[[str], bool]
) -> Settled:
    """Write the baseline's file and return what changed in it, and each difference from what a marker expects.

    Outcomes that a marker expects do not enter the file: the marker is the only place that states them.
    """
    seen, aside = split(old, matrix, is_gone)
    new = update(seen, without_expected(matrix, expected), complete=True)
    new = replace(new, tests={**new.tests, **aside})
    try:
        whole_file.write(path, file.render(new))
    except OSError as error:
        return Settled(error=f"--foreign-thread-baseline={path}: {error}")
    return replace(differences_from_markers(matrix, expected, is_gone), note=_note(path, old, new))


def _known_breaks(baseline: Baseline, row: Row) -> int:
    """Return the number of modes in which the test breaks as the baseline says."""
    known = baseline.tests[row.test].outcomes if row.test in baseline.tests else {}
    return sum(
        bool(cell.broken) and known.get(mode, frozenset()) >= cell.to_be_known for mode, cell in row.cells.items()
    )


def _note(path: Path, old: Baseline, new: Baseline) -> str:
    added, gone = new.tests.keys() - old.tests.keys(), old.tests.keys() - new.tests.keys()
    changed = [test for test in new.tests.keys() & old.tests.keys() if new.tests[test] != old.tests[test]]
    parts = ((len(added), "added"), (len(changed), "changed"), (len(gone), "removed"))
    words = ", ".join(f"{times} {word}" for times, word in parts if times)
    number = len(new.tests)
    return f"{path}: {number} known {'test' if number == 1 else 'tests'} ({words or 'as before'})"
