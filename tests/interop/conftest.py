"""Runs of pytest that load this plugin and the ones named, in the environment that has them all."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from ..plugin.conftest import SuiteRun, class_archive, no_server_is_left, run_suite_in
from ..run_command import ALL_PLUGINS
from .environment import PYTHON

__all__ = ["class_archive", "no_server_is_left", "run_with", "run_with_in"]


class RunWith(Protocol):
    def __call__(
        self, plugins: str, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None
    ) -> SuiteRun: ...


@pytest.fixture
def run_with(tmp_path: Path) -> RunWith:
    """Run a suite with this plugin and those whose entry points are named, a space between; `*` loads all there are."""

    def run(plugins: str, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None) -> SuiteRun:
        return run_with_in(tmp_path, plugins, files, *args, env=env)

    return run


def run_with_in(
    folder: Path, plugins: str, files: str | dict[str, str], *args: str, env: dict[str, str] | None = None
) -> SuiteRun:
    if not PYTHON.exists():
        pytest.fail("the plugins are not installed: run python -m tests.interop", pytrace=False)
    # pystack takes longer than a test that dies, and is none of these plugins' business.
    args = ("--foreign-thread-native=off", *args)
    if plugins == "*":
        return run_suite_in(folder, files, *args, env={**ALL_PLUGINS, **(env or {})}, python=PYTHON)
    named = [word for name in plugins.split() for word in ("-p", name)]
    return run_suite_in(folder, files, *named, *args, env=env, python=PYTHON)
