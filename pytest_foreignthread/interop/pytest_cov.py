"""pytest-cov and coverage, with which it measures."""

from __future__ import annotations

import sys
from typing import Any, Final

import pytest

_NAME: Final = "pytest_cov"
_CONTEXTS: Final = "_cov_contexts"
"""The name of the plugin for `--cov-context=test`; no option or hook turns the plugin off in a child."""


def is_loaded(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin(_NAME)


def measures_by_test(config: pytest.Config) -> bool:
    """Return whether each line is recorded for the test that ran it."""
    return config.pluginmanager.hasplugin(_CONTEXTS)


def drop_contexts(config: pytest.Config) -> None:
    """Remove the plugin that switches contexts: it would switch those of the coverage that was stopped."""
    if measures_by_test(config):
        config.pluginmanager.unregister(name=_CONTEXTS)


def running_coverage() -> Any:
    """Return the coverage that measures this process; None if none does. This does not import coverage."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage is not None else None


def config_file_of(coverage: Any) -> str | bool:
    """Return the configuration file of a coverage, False if it has none; `get_option` does not return it."""
    return coverage.config.config_file or False
