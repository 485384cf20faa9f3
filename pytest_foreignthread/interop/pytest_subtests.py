"""pytest's subtests. `pytest.SubtestReport` is public, its context and the count of failed subtests are not."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ..channel.report_shape import SUBTEST_CONTEXT
from .xdist import is_worker


class _Verbatim(str):
    """A text whose repr is the text itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def unquote_arguments(report: pytest.TestReport, data: Mapping[str, Any]) -> None:
    """Replace the arguments of a subtest's report by the texts in `data`, from which pytest made the report.

    pytest turns the arguments into texts by repr() when it serializes a report, and again when it reads the report.
    """
    context: Any = getattr(report, "context", None)
    sent = (data.get(SUBTEST_CONTEXT) or {}).get("kwargs")
    if context is not None and sent and context.kwargs != sent:
        verbatim = {name: _Verbatim(text) for name, text in sent.items()}
        report.context = dataclasses.replace(context, kwargs=verbatim)  # type: ignore[attr-defined]


def forget_failed_subtests(config: pytest.Config) -> None:
    """Set pytest's counts of failed subtests to zero.

    pytest keeps them by node id for the whole run: a test that runs again would fail for subtests that failed before.
    """
    if (counts := _counts(config)) is not None:
        counts.clear()


def leave_failure_to_pytest(config: pytest.Config, reports: Sequence[pytest.TestReport]) -> None:
    """Make the report of a test that only its subtests failed the report of a test that passed, as pytest logs it.

    pytest makes it a failure after it has counted the failures for `-x` and `--maxfail`: only subtests count there. A
    worker of pytest-xdist keeps the failure, because the controller does not know the count of failed subtests.
    """
    counts, kind = _counts(config), getattr(pytest, "SubtestReport", None)
    if counts is None or kind is None or is_worker(config):
        return
    failed = sum(isinstance(report, kind) and report.failed for report in reports)
    for report in reports:
        by_subtests = isinstance(report.longrepr, str) and report.longrepr.startswith(
            f"contains {failed} failed subtest"
        )
        if failed and report.failed and report.when == "call" and not isinstance(report, kind) and by_subtests:
            report.outcome, report.longrepr = "passed", None
            # The key is the node id as text in pytest 9.0 and 9.1.
            counts[getattr(report, "id", report.nodeid)] = failed


def _counts(config: pytest.Config) -> Any:
    """Return pytest's dictionary of node id → failed subtests; None before version 9, which has no subtests."""
    key = getattr(sys.modules.get("_pytest.subtests"), "failed_subtests_key", None)
    return config.stash.get(key, None) if key is not None else None
