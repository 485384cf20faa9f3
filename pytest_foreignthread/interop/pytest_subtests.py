"""pytest's subtests. `pytest.SubtestReport` is public, its context and the count of failed subtests are not."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from ..channel.report_shape import SUBTEST_CONTEXT


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
    # pytest has subtests since version 9.
    key = getattr(sys.modules.get("_pytest.subtests"), "failed_subtests_key", None)
    if key is not None and key in config.stash:
        config.stash[key].clear()
