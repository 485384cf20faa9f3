"""Whether code of the project runs in the pytest process between two foreign-thread tests, and may change it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Final

import pluggy
import pytest

from .pytest_cov import running_coverage

_WITHOUT_EFFECT: Final = frozenset(
    ["_pytest", "pytest_foreignthread", "xdist", "pytest_forked", "pytest_cov", "pytest_timeout"]
)
"""Packages whose hooks change nothing that a test sees, or do it again in the child."""
_PROTOCOL: Final = "pytest_runtest_protocol"
_LOOP: Final = "pytest_runtestloop"
_BETWEEN: Final = (
    *("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"),
    *("pytest_report_from_serializable", "pytest_report_teststatus", "pytest_warning_recorded"),
    "pytest_foreign_thread_carried",
)
"""Hooks that are called in the pytest process for a test that passes in its child."""


def is_traced() -> bool:
    """Return whether a debugger, a profiler or coverage watches this process."""
    # Coverage may do without a trace function, from Python 3.12 on.
    return sys.gettrace() is not None or sys.getprofile() is not None or running_coverage() is not None


def hooks_between_tests(config: pytest.Config) -> frozenset[str]:
    """Return the hooks by which the project may change the pytest process between two tests.

    Hooks of installed plugins count only if they run around a test, because these may undo after the test what they did
    before it.
    """
    installed = frozenset(_module(plugin) for plugin, _ in config.pluginmanager.list_plugin_distinfo())
    known = _WITHOUT_EFFECT | installed
    found = [_PROTOCOL] if _has_others(_implementations(config, _PROTOCOL), _WITHOUT_EFFECT) else []
    # A wrapper runs before the first test and after the last one.
    loops = (one for one in _implementations(config, _LOOP) if not (one.wrapper or one.hookwrapper))
    found += [_LOOP] if _has_others(loops, known) else []
    found += [name for name in _BETWEEN if _has_others(_implementations(config, name), known)]
    return frozenset(found)


def _implementations(config: pytest.Config, hook: str) -> Iterable[pluggy.HookImpl]:
    return getattr(config.hook, hook).get_hookimpls()  # type: ignore[no-any-return]


def _has_others(implementations: Iterable[pluggy.HookImpl], known: frozenset[str]) -> bool:
    """Return whether one of the implementations is from another top-level module than the known ones."""
    return any(module not in known for one in implementations for module in _modules(one))


def _modules(implementation: pluggy.HookImpl) -> Iterator[str]:
    """Yield the top-level modules that an implementation is from.

    The class of a plugin counts as well: it may inherit the hook and override what the hook calls.
    """
    yield _top(getattr(implementation.function, "__module__", None))
    if not isinstance(implementation.plugin, ModuleType):
        plugin = implementation.plugin
        yield _top((plugin if isinstance(plugin, type) else type(plugin)).__module__)


def _top(module: object) -> str:
    """Return the top-level module of a dotted name; "" if there is none, and for a conftest.

    A project whose package is an installed plugin may have its conftest in that package.
    """
    names = module.split(".") if isinstance(module, str) else [""]
    return "" if names[-1] == "conftest" else names[0]


def _module(plugin: object) -> str:
    name = getattr(plugin, "__name__", None) or type(plugin).__module__
    return str(name).partition(".")[0]
