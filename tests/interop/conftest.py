"""Runs of pytest that load this plugin and the ones named, in the environment that has them all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import pytest

from ..plugin.conftest import SuiteRun, run_suite_in
from .environment import PYTHON


class RunWith(Protocol):
    def __call__(
        self, plugins: str, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None
    ) -> SuiteRun: ...


@pytest.fixture
def run_with(tmp_path: Path) -> RunWith:
    """Run a suite with this plugin and those whose entry points are named, a space between; `*` loads all there are."""
    if not PYTHON.exists():
        pytest.fail("the plugins are not installed: run python -m tests.interop", pytrace=False)

    def run(plugins: str, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None) -> SuiteRun:
        own = {**os.environ, **(env or {})}
        if plugins != "*":
            own["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            args = (*(word for name in ["foreign_thread", *plugins.split()] for word in ("-p", name)), *args)
        return run_suite_in(tmp_path, files, *args, env=own, python=PYTHON)

    return run
