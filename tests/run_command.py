"""Commands that run pytest with few plugins: importing xdist, pytest-cov and Hypothesis takes longer than a test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

FEW_PLUGINS: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""What the environment of such a command has to have."""
ALL_PLUGINS: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
"""What has pytest load each plugin that is installed, as for a user."""
# pytest-forked is there wherever this plugin is.
FEW_OPTIONS: Final = ("-pforeign_thread", "-ppytest_forked")
"""What has pytest load this plugin nevertheless."""
_OF_OPTIONS: Final = {"-n": "xdist", "--numprocesses": "xdist", "--dist": "xdist", "--cov": "pytest_cov"}
"""Start of an option → the entry point of the plugin that declares it."""


def run_command(*args: str, python: str | Path = sys.executable) -> list[str]:
    """Return a command that loads this plugin, and those that declare its options."""
    declare = [plugin for start, plugin in _OF_OPTIONS.items() if any(arg.startswith(start) for arg in args)]
    return [str(python), "-m", "pytest", *FEW_OPTIONS, *(f"-p{plugin}" for plugin in dict.fromkeys(declare)), *args]
