"""Reports of one test in several modes that say the same: the terminal shows one of them in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pytest

from ..interop.xdist import worker_of
from ..model.report_data import data_of

_COMPARED: Final = ("test", "outcome", "phase", "signal", "exit_code", "at", "uncaught")
"""The fields of an entry that must be equal. Others, such as threads and frames, always differ from mode to mode."""
_UNTIMED: Final = ("hang", "null_result")
"""The outcomes whose message must be equal, too. Other messages contain addresses, which differ from run to run."""


def entries_of(stats: Mapping[str, Iterable[object]]) -> dict[str, dict[str, Any]]:
    """Return the entry of each test by its node id; the last report of a test has the entry."""
    found = sorted((data_of(report) for reports in stats.values() for report in reports), key=lambda one: one.late)
    return {one.entry["nodeid"]: one.entry for one in found if one.entry is not None}


def groups(
    reports: Sequence[pytest.TestReport], entries: Mapping[str, Mapping[str, Any]]
) -> list[list[pytest.TestReport]]:
    """Return the reports in groups: the reports of a test in several modes that say the same are one group.

    The groups have the order of their first reports.
    """
    found: dict[object, list[pytest.TestReport]] = {}
    for place, report in enumerate(reports):
        entry = entries.get(report.nodeid)
        # A report without an entry is alike to no other: its place is its key. repr(), because a signature has lists.
        key = repr(place) if entry is None else repr([*_signature(report, entry), _alone(entry, entries)])
        found.setdefault(key, []).append(report)
    return list(found.values())


def _signature(report: pytest.TestReport, entry: Mapping[str, Any]) -> list[object]:
    diagnosis = entry.get("diagnosis")
    message = entry.get("message") if entry["outcome"] in _UNTIMED else ""
    fields = [entry.get(field) for field in _COMPARED]
    return [*fields, None if diagnosis is None else diagnosis["code"], message, report.when, report.sections]


def _alone(entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> list[object] | None:
    """Return what a second run in a child of its own showed; None if that was the same, or if there was no such run.

    A test without a second run was alone already. The tests before it are compared without their modes: each mode has a
    child of its own.
    """
    if entry.get("alone") is None or entry.get("also_alone"):
        return None
    only_after, before = entry.get("only_after"), entry["alone"]["before"]
    tests = [entries.get(name, {}).get("test", name) for name in (before if only_after is None else only_after)]
    return [entry["alone"]["outcome"], only_after is None, tests]


def same_lines(first: pytest.TestReport, others: Sequence[pytest.TestReport], modes: Mapping[str, str]) -> list[str]:
    """Return the lines below the report of a group: the other modes, and their short lines that differ from its own.

    With `--dist each` of pytest-xdist a test runs on several workers in one mode, which are named then.
    """
    if not others:
        return []
    own = data_of(first).text
    workers = len({report.nodeid for report in (first, *others)}) <= len(others)
    names = [f"{modes[one.nodeid]} on {worker_of(one)}" if workers else modes[one.nodeid] for one in others]
    texts = [*zip(names, (data_of(other).text for other in others), strict=True)]
    differ = [f"  {mode}: {text}" for mode, text in texts if text != own]
    return [f"the same in {', '.join(mode for mode, _ in texts)} (-v shows each)", *differ]
