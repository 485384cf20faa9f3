"""pytest's own steps of a test's phases, called without other plugins, which rely on a setup in this process."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import pytest

_OWN: Final = "_pytest."
_RUNNER: Final = "_pytest.runner"
STRICT_XPASS: Final = "[XPASS(strict)] "


def teardown_step(config: pytest.Config) -> Callable[..., None] | None:
    """Return the function that tears down the nodes that no later test needs; None with `-p no:runner`.

    The stack of nodes that are set up is private, and the hook would call all plugins.
    """
    runner: Any = config.pluginmanager.getplugin("runner")
    return None if runner is None else runner.pytest_runtest_teardown


def skipping_step(config: pytest.Config) -> Callable[[pytest.Item], None] | None:
    """Return the function that evaluates the marks skip, skipif and xfail; None with `-p no:skipping`.

    pytest has no public function for this, and the hook would set the test up.
    """
    skipping: Any = config.pluginmanager.getplugin("skipping")
    return None if skipping is None else skipping.pytest_runtest_setup


def is_strict_xpass(report: pytest.TestReport) -> bool:
    """Return whether a report failed only because the test passed under a strict xfail mark; only its text tells."""
    text = report.longrepr
    return report.when == "call" and report.failed and isinstance(text, str) and text.startswith(STRICT_XPASS)


def may_run_at_once(item: pytest.Item) -> bool:
    """Return whether several threads may call the test function in pytest's own step of the call.

    They may not if a plugin has the step, which calls the function in an event loop, or if there is no function.
    """
    step: Any = getattr(type(item), "runtest", None)
    return isinstance(item, pytest.Function) and step.__module__.startswith(_OWN) and not _is_async(item.obj)


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def is_pytests_own(plugin: object) -> bool:
    """Return whether a plugin is a part of pytest; only the name of its module tells."""
    module: str = getattr(plugin, "__name__", type(plugin).__module__)
    return module.startswith(_OWN)


def is_runner(plugin: object) -> bool:
    """Return whether a plugin is the part of pytest that makes the first report of a phase."""
    return getattr(plugin, "__name__", "") == _RUNNER
