"""Plugins whose `pytest_runtest_makereport` needs what their hooks of the phases have collected."""

from __future__ import annotations

from typing import Final

import pytest

from . import allure, pytest_json_report

_CLASSES: Final = allure.GATHERERS | pytest_json_report.GATHERERS


def gathers(plugin: object) -> bool:
    """Return whether the plugin is one of these. Only the name of its class tells, no hook does."""
    return type(plugin).__name__ in _CLASSES


def some_gather(config: pytest.Config) -> bool:
    return any(map(gathers, config.pluginmanager.get_plugins()))
