"""A warning of a child, as pytest and its plugins see it: nothing is opened and nothing raised at the child's word."""

from __future__ import annotations

import os
import sys
import types
import warnings
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.model.observation import WarningRecorded
from pytest_foreignthread.report.pytest.recorded_warnings import class_named, replay


class OfAModule(UserWarning):
    class Inner(DeprecationWarning):
        pass


def shown(message: WarningRecorded, request: pytest.FixtureRequest) -> tuple[str, warnings.WarningMessage]:
    """Replay it to a plugin; return what pytest's terminal would show."""
    found: list[warnings.WarningMessage] = []

    class Takes:
        def call_historic(self, kwargs: dict[str, Any]) -> None:
            found.append(kwargs["warning_message"])

    class Item:
        nodeid = "t.py::test"
        ihook = type("Hooks", (), {"pytest_warning_recorded": Takes()})

    item: Any = Item()
    replay(item, [message])
    (one,) = found
    return warnings.formatwarning(str(one.message), one.category, one.filename, one.lineno, one.line), one


ODD: Final = {
    "NUL": WarningRecorded("a\0b", "C\0D", "text", "f\0.py", 3, "call"),
    "surrogates": WarningRecorded("a\ud800", "C\udfff.D\udfff", "text", "f\ud800.py", 3, "call"),
    "negative": WarningRecorded("builtins", "UserWarning", "text", "f.py", -5, "call"),
    "huge number": WarningRecorded("builtins", "UserWarning", "text", "f.py", 10**4299, "call"),
    "huge name": WarningRecorded("builtins", "UserWarning", "text", "f" * 1_000_000, 1, "call"),
    "no names": WarningRecorded("", "", "text", "", 0, ""),
    "no warning": WarningRecorded("builtins", "int", "text", "f.py", 1, "call"),
    "no class": WarningRecorded("sys", "modules.os.path", "text", "f.py", 1, "call"),
    "endless file": WarningRecorded("builtins", "UserWarning", "text", "/dev/zero", 1, "call"),
}


@pytest.mark.parametrize("message", ODD.values(), ids=ODD)
def test_an_odd_one_is_shown(request: pytest.FixtureRequest, message: WarningRecorded) -> None:
    text, one = shown(message, request)
    assert text.endswith(": text\n")
    assert issubclass(one.category, Warning)
    f"{one.category.__module__}.{one.category.__qualname__} {one.category!r} {one.filename}".encode()


def test_a_pipe_of_that_name_is_not_waited_for(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f.py")
    text, _ = shown(WarningRecorded("builtins", "UserWarning", "text", str(tmp_path / "f.py"), 1, "call"), request)
    assert text.endswith("UserWarning: text\n")


def test_the_line_is_the_childs(request: pytest.FixtureRequest) -> None:
    text, one = shown(
        WarningRecorded("builtins", "UserWarning", "text", "f.py", 1, "call", "  warn('text')\n"), request
    )
    assert text == "f.py:1: UserWarning: text\n  warn('text')\n"
    assert one.category is UserWarning


@pytest.mark.parametrize("name", ["OfAModule", "OfAModule.Inner"])
def test_a_class_that_is_here_is_found(request: pytest.FixtureRequest, name: str) -> None:
    _, one = shown(WarningRecorded(__name__, name, "text", "f.py", 1, "call"), request)
    assert (one.category.__module__, one.category.__qualname__) == (__name__, name)
    assert one.category in (OfAModule, OfAModule.Inner)


def raises(name: str) -> object:
    raise LookupError(f"a lookup ran this module's code: {name}")


def test_no_code_of_a_module_runs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = types.ModuleType("lazy")
    vars(lazy)["__getattr__"] = raises
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    _, one = shown(WarningRecorded("lazy", "Missing", "text", "f.py", 1, "call"), request)
    assert one.category.__name__ == "Missing"


@pytest.mark.parametrize("name", ["a.b\0c", "\ud800", ""])
def test_an_exceptions_name_makes_a_class(name: str) -> None:
    assert issubclass(class_named(name, ValueError, {}), ValueError)
