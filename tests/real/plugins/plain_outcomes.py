"""A plugin for the plain run: writes the outcome of each test, as JSON, to the file that `PLAIN_OUTCOMES` names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_RANK = ("passed", "xpassed", "xfailed", "skipped", "failed", "error")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PlainOutcomes(Path(os.environ["PLAIN_OUTCOMES"])))


class PlainOutcomes:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A subtest's report speaks of a part of the test; the test's own says what became of it.
        if type(report) is pytest.TestReport:
            before = self._outcomes.get(report.nodeid, "passed")
            self._outcomes[report.nodeid] = max(before, _outcome(report), key=_RANK.index)

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps(self._outcomes), encoding="utf-8")


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return "error" if report.failed and report.when != "call" else report.outcome
