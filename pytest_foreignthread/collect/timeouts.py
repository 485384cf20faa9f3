"""The limits that pytest-timeout was told: a foreign-thread test that has none of this plugin's takes them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from ..config.option_values import seconds
from ..model.settings import Settings


def with_limits_of_pytest_timeout(settings: Settings, item: pytest.Item, *, marked: bool, given: bool) -> Settings:
    """`marked` and `given` say whether this plugin's own timeout is in the marker, and among the run's options.

    Of the two plugins the closer one wins: a marker stands closer than an option.
    """
    # It is there where it has said what its hook takes: this plugin has one of the name in any case.
    if marked or not item.config.hook.pytest_timeout_set_timer.has_spec():
        return settings
    wanted = _of_marker(item, "timeout", 0)
    if wanted is None and not given:
        wanted = _of_run(item.config)
    try:
        found = seconds(wanted)
    except ValueError:
        # 0 is none; of what cannot be understood that plugin tells.
        return settings
    if _of_marker(item, "func_only") or item.config.getini("timeout_func_only"):
        return replace(settings, body_timeout=found)
    return replace(settings, timeout=found)


def _of_marker(item: pytest.Item, name: str, place: int | None = None) -> Any:
    mark = item.get_closest_marker("timeout")
    if mark is None:
        return None
    at_place = mark.args[place] if place is not None and len(mark.args) > place else None
    return mark.kwargs.get(name, at_place)


def _of_run(config: pytest.Config) -> Any:
    """Its sources in its order: command line, environment, ini file."""
    option = config.getoption("timeout", None)
    return option if option is not None else os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout")
