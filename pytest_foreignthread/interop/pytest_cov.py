"""pytest-cov, and coverage, which it lets measure."""

from __future__ import annotations

import sys
from typing import Any, Final

import pytest

_NAME: Final = "pytest_cov"
_CONTEXTS: Final = "_cov_contexts"
"""Name of its plugin for `--cov-context=test`, which has no option or hook that turns it off in a child."""


def is_loaded(config: pytest.Config) -> bool:
    return config.pluginmanager.hasplugin(_NAME)


def measures_by_test(config: pytest.Config) -> bool:
    """Return whether each line is counted for the test that ran it."""
    return config.pluginmanager.hasplugin(_CONTEXTS)


def drop_contexts(config: pytest.Config) -> None:
    """Let the plugin switch no contexts: it would switch those of the coverage that has stopped."""
    if measures_by_test(config):
        config.pluginmanager.unregister(name=_CONTEXTS)


def running_coverage() -> Any:
    """Return the coverage that measures this process; None where none does. coverage is not imported for that."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage is not None else None


def config_file_of(coverage: Any) -> str | bool:
    """Return the file that configures a coverage, False where none does; `get_option` does not tell."""
    return coverage.config.config_file or False
