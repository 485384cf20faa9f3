"""Entries of a report, as the matrix gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_foreignthread.model.nodeids import without_mode
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Diagnosis, RunRecord
from pytest_foreignthread.report.json_report import test_entry as entry_of

from .sample_records import HANG, LATE, NULL, SEGFAULT

Entry = dict[str, Any]

_LIKE: Final[Mapping[Outcome, RunRecord]] = {
    Outcome.SEGFAULT: SEGFAULT,
    Outcome.HANG: HANG,
    Outcome.NULL_RESULT: NULL,
}
ENVIRONMENT: Final[Mapping[str, Any]] = {
    "python": "3.11.9",
    "platform": "Linux-6.1-x86_64",
    "jpype": None,
    "jvm": {"version": "25.0.2", "path": "/jdk/lib/server/libjvm.so"},
}


def entry(nodeid: str, mode: str, outcome: Outcome = Outcome.PASSED, *, code: str | None = None) -> Entry:
    """Return the entry of one run; `code` is that of its diagnosis."""
    record = _LIKE.get(outcome, RunRecord(nodeid, mode, outcome, Phase.CALL, 0.25))
    found = None if code is None else replace(LATE, code=code)
    test = without_mode(nodeid, mode)
    return entry_of(replace(record, nodeid=nodeid, test=test, mode=mode, outcome=outcome, diagnosis=found))


def row(test: str, **outcomes: Outcome | tuple[Outcome, ...]) -> list[Entry]:
    """Return the entries of one test: mode=outcome, or several where it was repeated."""
    start = f"{test[:-1]}-" if test.endswith("]") else f"{test}["
    return [
        entry(f"{start}{mode}]", mode, outcome)
        for mode, given in outcomes.items()
        for outcome in (given if isinstance(given, tuple) else (given,))
    ]


def diagnosed(entries: list[Entry], code: str) -> list[Entry]:
    """Return the entries, those that are no pass with a diagnosis."""
    found = Diagnosis(code, f"what {code} means", "what to do", ("what proves it",))
    return [
        one if one["outcome"] == "passed" else {**one, "diagnosis": {**vars(found), "evidence": list(found.evidence)}}
        for one in entries
    ]
