"""Room `interop`: what knows other plugins, and fragile parts of pytest and JPype.

May import the rooms below it: supervise, config, matrix, diagnosis, evidence, channel, stress, model.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

import pytest

_MODULES: Final[Mapping[str, str]] = {"syrupy": "syrupy", "benchmark": "pytest_benchmark", "allure_pytest": "allure"}
"""Name of the plugin, as it is registered, → the module here."""


def register(config: pytest.Config) -> None:
    """Call at start-up, when all plugins are loaded."""
    for name, module in _MODULES.items():
        if config.pluginmanager.hasplugin(name):
            # Imported here: most runs have none of them.
            found = importlib.import_module(f".{module}", __name__)
            config.pluginmanager.register(found.Beside(config), f"foreign_thread_beside_{name}")
