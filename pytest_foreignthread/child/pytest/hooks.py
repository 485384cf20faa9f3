"""Plugins that only the child registers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ...channel.wire import Sender
from ..output import give_own_capture_files
from .phase_runner import send_report


class ChildPlugin:
    """Sends the reports of subtests, and redirects pytest's capture to files of the child."""

    def __init__(self, config: pytest.Config, folder: Path, sender: Sender) -> None:
        self._config = config
        self._folder = folder
        self._sender = sender
        self._nodeid = ""
        """The node id of the running test."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._nodeid = item.nodeid
        # Not earlier: pytest's capture holds descriptors 1 and 2 only inside the phases.
        give_own_capture_files(self._folder)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send a report that another plugin makes while the test runs, for example of a subtest."""
        send_report(self._config, self._sender, report, self._nodeid)


class TerminalWithoutHooks:
    """Replaces pytest's terminal reporter, whose hooks would print what the parent prints from the reports.

    The attributes remain, because `--setup-show` writes through them.
    """

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)
