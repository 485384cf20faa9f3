"""The typed form of the marker.

That wrong types are refused is mypy's to show: an ignore that it has no use for is an error.
"""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from pytest_foreignthread import foreign_thread
from pytest_foreignthread.config.options import marker_options
from pytest_foreignthread.model.choices import MARKER


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


def test_it_takes_what_the_marker_takes() -> None:
    taken = inspect.signature(foreign_thread).parameters
    assert set(taken) == {option.name for option in marker_options()}
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in taken.values())


def test_a_wrong_name_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="time_out"):
        foreign_thread(time_out=3)  # type: ignore[call-arg]


def test_wrong_types_are_mypys() -> None:
    foreign_thread(timeout="3")  # type: ignore[arg-type]
    foreign_thread(isolation="class")  # type: ignore[arg-type]
    foreign_thread(expect={"new": 3})  # type: ignore[dict-item]
