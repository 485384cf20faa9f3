"""Room `interop`: all that depends on other plugins, and on private or fragile parts of pytest, JPype and CPython.

May import the rooms below it: supervise, config, matrix, diagnosis, evidence, channel, stress, model.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

import pytest

_MODULES: Final[Mapping[str, str]] = {"syrupy": "syrupy", "benchmark": "pytest_benchmark", "allure_pytest": "allure"}
"""The name under which a plugin is registered → the module of this room."""


def register(config: pytest.Config) -> None:
    """Register a plugin of ours beside each of these plugins; call at start-up, after all plugins are loaded."""
    for name, module in _MODULES.items():
        if config.pluginmanager.hasplugin(name):
            # Imported here because most runs have none of these plugins.
            found = importlib.import_module(f".{module}", __name__)
            config.pluginmanager.register(found.Beside(config), f"foreign_thread_beside_{name}")
