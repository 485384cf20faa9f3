"""The meanings of the terms in a report: outcomes, verdicts, modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..matrix.verdicts import CONTROL, Matrix, Verdict
from ..model.modes import built_in
from ..model.outcomes import Outcome

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.PASSED: "it passed",
    Outcome.FAILED: "its body raised an exception: an assertion, say",
    Outcome.ERROR: "its setup or its teardown failed, or it could not be run",
    Outcome.SEGFAULT: "SIGSEGV or SIGBUS ended its process",
    Outcome.HANG: "one of its phases passed its deadline",
    Outcome.NULL_RESULT: "a call returned NULL without an exception, or a result with one",
    Outcome.CRASH: "its process died in another way: abort(), a fatal error, SIGKILL, os._exit, System.exit",
    Outcome.SKIPPED: "it was skipped",
    Outcome.XFAILED: "it failed as expected",
    Outcome.XPASSED: "it was expected to fail, and passed",
}
VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.SOUND: "same result in every mode",
    Verdict.FOREIGN_UNSAFE: "hold in main, break on a foreign thread",
    Verdict.MAIN_THREAD_ONLY: "hold in main, break on a Python thread too",
    Verdict.FOREIGN_ONLY: "break in main, hold on each foreign thread",
    Verdict.BROKEN: "break in main, the control",
    Verdict.FLAKY: "runs or rounds in one mode disagree",
    Verdict.UNKNOWN: "too little ran to tell",
}
_WITHOUT_CONTROL: Final[Mapping[Verdict, str]] = {
    Verdict.FOREIGN_UNSAFE: "hold in another mode, break on a foreign thread",
    Verdict.MAIN_THREAD_ONLY: "hold in another mode, break on a Python thread too",
}
_OWN_MODE: Final = "a mode of the project's own"


def outcomes_of(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """Yield the name and the meaning of each outcome that occurs."""
    seen = {outcome for row in matrix.rows for cell in row.cells.values() for outcome in cell.outcomes}
    return ((outcome.value, meaning) for outcome, meaning in OUTCOMES.items() if outcome in seen)


def modes_of(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the meaning of each mode."""
    for name in names:
        mode = built_in(name)
        yield name, _OWN_MODE if mode is None else mode.stands_for


def verdicts_of(matrix: Matrix) -> Iterator[tuple[str, str]]:
    """Yield the name and the meaning of each verdict that occurs."""
    seen = {row.verdict for row in matrix.rows}
    return ((verdict.value, meaning_of(verdict, matrix)) for verdict in VERDICTS if verdict in seen)


def meaning_of(verdict: Verdict, matrix: Matrix) -> str:
    """Return what the tests with this verdict have in common, in a matrix that may lack the control."""
    without = {} if CONTROL in matrix.modes else _WITHOUT_CONTROL
    return without.get(verdict, VERDICTS[verdict])
