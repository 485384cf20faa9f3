"""Which hooks make a keeper's memory differ from that of the pytest process."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from pytest_foreignthread.interop import hooks_between_tests as looked_at

PLUGIN: dict[str, str] = {
    "pytest_runtest_logfinish": "def pytest_runtest_logfinish(nodeid): pass",
    "pytest_runtest_logreport": "def pytest_runtest_logreport(report): pass",
    "pytest_warning_recorded": "def pytest_warning_recorded(nodeid): pass",
    "pytest_runtest_protocol": "def pytest_runtest_protocol(item): pass",
}
WITHOUT_EFFECT = "def pytest_runtest_setup(item): pass"


def registered(source: str, name: str = "of_the_project") -> ModuleType:
    module = ModuleType(name)
    exec(source, vars(module))
    return module


@pytest.fixture
def manager(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> Any:
    # The tests' own conftest and plugins have such hooks, too.
    before = looked_at.hooks_between_tests(pytestconfig)
    monkeypatch.setattr(looked_at, "_WITHOUT_EFFECT", looked_at._WITHOUT_EFFECT | _modules(pytestconfig))
    assert looked_at.hooks_between_tests(pytestconfig) == frozenset(), before
    return pytestconfig.pluginmanager


def _modules(config: pytest.Config) -> frozenset[str]:
    names = (*looked_at._BETWEEN, looked_at._PROTOCOL)
    return frozenset(module for name in names for module in looked_at._modules(config, name))


@pytest.mark.parametrize("hook", PLUGIN)
def test_a_hook_of_the_project_counts(manager: Any, pytestconfig: pytest.Config, hook: str) -> None:
    manager.register(module := registered(PLUGIN[hook]))
    try:
        assert looked_at.hooks_between_tests(pytestconfig) == {hook}
    finally:
        manager.unregister(module)


@pytest.mark.parametrize(("hook", "counts"), [("pytest_runtest_logreport", False), ("pytest_runtest_protocol", True)])
def test_a_hook_of_an_installed_plugin_counts_only_around_a_test(
    manager: Any, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch, hook: str, counts: bool
) -> None:
    manager.register(module := registered(PLUGIN[hook], "installed"))
    monkeypatch.setattr(manager, "list_plugin_distinfo", lambda: [(module, None)])
    try:
        assert bool(looked_at.hooks_between_tests(pytestconfig)) == counts
    finally:
        manager.unregister(module)


def test_a_hook_that_runs_in_the_child_does_not_count(manager: Any, pytestconfig: pytest.Config) -> None:
    manager.register(module := registered(WITHOUT_EFFECT))
    try:
        assert looked_at.hooks_between_tests(pytestconfig) == frozenset()
    finally:
        manager.unregister(module)


@pytest.mark.parametrize("set_tracer", [sys.settrace, sys.setprofile])
def test_a_traced_process_is_known(set_tracer: Any) -> None:
    before = sys.gettrace(), sys.getprofile()
    sys.settrace(None)
    sys.setprofile(None)
    try:
        assert not looked_at.is_traced()
        set_tracer(lambda *_: None)
        assert looked_at.is_traced()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
