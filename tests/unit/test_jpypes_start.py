"""Who may stand in the place of `jpype.startJVM`, and what stands there after the run."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import jpype
import pytest

from pytest_foreignthread.child.java import jvm
from pytest_foreignthread.interop.faulthandler_guard import FaulthandlerApart
from pytest_foreignthread.interop.jpype import own_start


def jpypes_start(*arguments: str, jvmpath: str = "") -> str:
    return " ".join([jvmpath, *arguments])


def replaced(start: Callable[..., Any]) -> Callable[..., Any]:
    return lambda: start("-ea", jvmpath="replaced")


def wrapped(start: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(start)(lambda: start("-ea", jvmpath="wrapped"))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("jpype")
    module.isJVMStarted = bool
    module.startJVM = jpypes_start
    monkeypatch.setitem(sys.modules, "jpype", module)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return module


def end(plugin: FaulthandlerApart) -> None:
    ending = plugin.pytest_unconfigure()
    next(ending)
    with contextlib.suppress(StopIteration):
        ending.send(None)


def test_our_wrapper_goes_at_the_end(module: Any) -> None:
    plugin = FaulthandlerApart()
    assert module.startJVM is not jpypes_start
    end(plugin)
    assert module.startJVM is jpypes_start


@pytest.mark.parametrize("put", [replaced, wrapped])
def test_a_projects_function_stays(put: Callable[..., Any], module: Any) -> None:
    plugin = FaulthandlerApart()
    module.startJVM = theirs = put(module.startJVM)
    end(plugin)
    assert module.startJVM is theirs
    assert theirs() == f"{put.__name__} -ea"


def test_a_function_that_is_gone(module: Any) -> None:
    plugin = FaulthandlerApart()
    del module.startJVM
    end(plugin)
    assert not hasattr(module, "startJVM")


@pytest.mark.parametrize("put", [replaced, wrapped])
def test_a_child_starts_its_jvm_with_jpypes_own(put: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_start().__name__ == "startJVM"
    calls: list[str] = []
    monkeypatch.setattr("jpype._core.startJVM", lambda *arguments, **_: calls.extend(arguments))
    monkeypatch.setattr(jpype, "startJVM", put(jpypes_start))
    jvm._start_jvm("-esa", jvmpath="/jvm")
    assert calls == ["-esa"]
