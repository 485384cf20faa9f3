"""The timeouts of pytest-timeout, which a foreign-thread test takes if it has no closer one of this plugin."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from ..config.option_values import seconds
from ..model.settings import Settings


def with_limits_of_pytest_timeout(settings: Settings, item: pytest.Item, *, marked: bool, given: bool) -> Settings:
    """Return the settings with the timeout of pytest-timeout, if that is closer to the test than this plugin's.

    A marker is closer than an option. `marked` says whether this plugin's marker has a timeout, `given` whether the
    run's options have one.
    """
    # pytest-timeout is installed if its hook has a specification. This plugin implements a hook of that name, so the
    # hook exists in any case.
    if marked or not item.config.hook.pytest_timeout_set_timer.has_spec():
        return settings
    wanted = _of_marker(item, "timeout", 0)
    if wanted is None and not given:
        wanted = _of_run(item.config)
    try:
        found = seconds(wanted)
    except ValueError:
        # 0 means no timeout. A value that is wrong is reported by pytest-timeout.
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
    """Return the run's timeout from pytest-timeout's sources, in its order: command line, environment, ini file."""
    option = config.getoption("timeout", None)
    return option if option is not None else os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout")
