"""Whether code of the project runs in the pytest process between two foreign-thread tests, and may change it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import pytest

_WITHOUT_EFFECT: Final = frozenset(
    ["_pytest", "pytest_foreignthread", "xdist", "pytest_forked", "pytest_cov", "pytest_timeout"]
)
"""Packages whose hooks change nothing that a test sees, or do it again in the child."""
_PROTOCOL: Final = "pytest_runtest_protocol"
_BETWEEN: Final = (
    *("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"),
    *("pytest_report_from_serializable", "pytest_report_teststatus", "pytest_warning_recorded"),
    "pytest_foreign_thread_carried",
)
"""Hooks that are called in the pytest process for a test that passes in its child."""


def is_traced() -> bool:
    """Return whether a debugger or a profiler, such as coverage's, watches this thread."""
    return sys.gettrace() is not None or sys.getprofile() is not None


def hooks_between_tests(config: pytest.Config) -> frozenset[str]:
    """Return the hooks by which the project may change the pytest process between two tests.

    Hooks of installed plugins count only if they run around a test, because these may undo after the test what they did
    before it.
    """
    installed = frozenset(_module(plugin) for plugin, _ in config.pluginmanager.list_plugin_distinfo())
    found = [_PROTOCOL] if any(module not in _WITHOUT_EFFECT for module in _modules(config, _PROTOCOL)) else []
    known = _WITHOUT_EFFECT | installed
    found += [name for name in _BETWEEN if any(module not in known for module in _modules(config, name))]
    return frozenset(found)


def _modules(config: pytest.Config, hook: str) -> Iterator[str]:
    """Yield the top-level module of each implementation of a hook."""
    for implementation in getattr(config.hook, hook).get_hookimpls():
        yield implementation.function.__module__.partition(".")[0]


def _module(plugin: object) -> str:
    name: str = getattr(plugin, "__name__", type(plugin).__module__)
    return name.partition(".")[0]
