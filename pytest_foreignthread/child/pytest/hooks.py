"""What is registered with pytest in the child alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ...channel.wire import Sender
from ..output import give_own_capture_files
from .protocol import send_report


class ChildPlugin:
    def __init__(self, config: pytest.Config, folder: Path, sender: Sender) -> None:
        self._config = config
        self._folder = folder
        self._sender = sender
        self._nodeid = ""
        """Of the test that runs."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._nodeid = item.nodeid
        # Not earlier: pytest's capture holds descriptors 1 and 2 inside the phases alone.
        give_own_capture_files(self._folder)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Reports that others make while the test runs: subtests."""
        send_report(self._config, self._sender, report, self._nodeid)


class TerminalWithoutHooks:
    """Stands in for pytest's terminal reporter, whose hooks would print what the parent prints from the reports.

    Not nothing: `--setup-show` writes through it.
    """

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)
