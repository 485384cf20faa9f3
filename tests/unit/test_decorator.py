"""The typed form of the marker.

That wrong types are refused is mypy's to show: an ignore that it has no use for is an error.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import get_args

import pytest

import pytest_foreignthread
from pytest_foreignthread import Outcome, OwnModeName, decorator, foreign_thread
from pytest_foreignthread.config.option_table import marker_options
from pytest_foreignthread.model.choices import ISOLATIONS, MARKER, MODES


def test_it_is_the_marker() -> None:
    made = foreign_thread(mode=["new", "pool"], timeout=2.5, classpath=Path("a.jar"), isolation="module")
    arguments = {"mode": ["new", "pool"], "timeout": 2.5, "classpath": Path("a.jar"), "isolation": "module"}
    assert (made.name, made.args, made.kwargs) == (MARKER, (), arguments)


def test_what_is_not_said_is_left_to_others() -> None:
    assert foreign_thread().kwargs == {}


def test_it_decorates() -> None:
    @foreign_thread(mode="same", expect={"same": "hang"})
    def test_something() -> None: ...

    assert [mark.kwargs for mark in test_something.pytestmark] == [  # type: ignore[attr-defined]
        {"mode": "same", "expect": {"same": "hang"}}
    ]


def test_it_decorates_without_arguments() -> None:
    @foreign_thread
    def test_something() -> int:
        return 3

    @foreign_thread
    class TestSomething:
        value = 4

    marks = [one.pytestmark for one in (test_something, TestSomething)]  # type: ignore[union-attr]
    assert [[(mark.name, mark.args, mark.kwargs) for mark in found] for found in marks] == [[(MARKER, (), {})]] * 2
    # Types are kept.
    assert (test_something() + 1, TestSomething.value) == (4, 4)


def test_it_takes_what_the_marker_takes() -> None:
    names = {option.name for option in marker_options()}
    hints = [*get_overloads()]
    assert set(hints) == names
    assert foreign_thread(**dict.fromkeys(names)).kwargs == {}


def get_overloads() -> list[str]:
    """Return the arguments that the typed form has, by its source: Python 3.10 keeps no overloads."""
    tree = ast.parse(inspect.getsource(decorator))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "foreign_thread"]
    return [argument.arg for function in functions for argument in function.args.kwonlyargs]


def test_the_literals_name_all_modes_and_outcomes() -> None:
    assert get_args(decorator.Mode) == tuple(sorted(MODES, key=get_args(decorator.Mode).index))
    assert set(get_args(decorator.OutcomeWord)) == {outcome.value for outcome in Outcome}
    assert set(get_args(decorator.Isolation)) == set(ISOLATIONS)


def test_a_mode_of_the_projects_own() -> None:
    timer = OwnModeName("timer")
    assert foreign_thread(mode=[timer, "main"]).kwargs == {"mode": ["timer", "main"]}
    assert foreign_thread(expect={timer: "hang"}).kwargs == {"expect": {"timer": "hang"}}
    known = foreign_thread(expect={timer: ["hang", "crash"], "main": "passed"})
    assert known.kwargs == {"expect": {"timer": ["hang", "crash"], "main": "passed"}}


@pytest.mark.parametrize("name", pytest_foreignthread.__all__)
def test_what_is_public_can_be_imported(name: str) -> None:
    assert getattr(pytest_foreignthread, name) is not None


def test_a_wrong_name_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="time_out"):
        foreign_thread(time_out=3)  # type: ignore[call-overload]


def test_wrong_types_are_mypys() -> None:
    foreign_thread(timeout="3")  # type: ignore[call-overload]
    foreign_thread(isolation="class")  # type: ignore[call-overload]
    foreign_thread(expect={"new": 3})  # type: ignore[dict-item]
    foreign_thread(mode="nwe")  # type: ignore[arg-type]
    foreign_thread(mode=["new", "pol"])  # type: ignore[list-item]
    foreign_thread(expect={"new": "hung"})  # type: ignore[dict-item]
