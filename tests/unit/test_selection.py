"""Which options ask for the matrix, which modes a test has in it, and what is told of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from pytest_foreignthread.collect.selection import UNMARKED, Census, Selection, selection_of

from .sample_options import chosen

DEFAULT: Final = ("main", "new")
# What stands on the command line (matrix, modes, all), and what is asked for.
ASKED: Final = {
    "nothing": ((False, None, False), Selection()),
    "the matrix": ((True, None, False), Selection(DEFAULT)),
    "its modes": ((False, "main,new", False), Selection(DEFAULT)),
    "all": ((False, None, True), Selection(DEFAULT, everything=True)),
    "each": ((True, "main,new", True), Selection(DEFAULT, everything=True)),
}


@pytest.mark.parametrize(("given", "selection"), ASKED.values(), ids=ASKED)
def test_what_asks_for_a_matrix(given: tuple[bool, str | None, bool], selection: Selection) -> None:
    matrix, modes, everything = given
    config = cast(pytest.Config, SimpleNamespace(getoption=lambda flag: modes))
    given_options = chosen(matrix=matrix, modes=DEFAULT, all=everything, forked=False)
    assert selection_of(config, given_options) == selection


@dataclass(frozen=True)
class Node:
    marks: tuple[pytest.MarkDecorator, ...] = ()
    nodeid: str = "t.py::test"
    config: Any = field(default_factory=lambda: SimpleNamespace(rootpath=Path("/"), stash={}))

    def get_closest_marker(self, name: str) -> pytest.MarkDecorator | None:
        return next(iter(self.marks), None)

    def iter_markers_with_node(self, name: str) -> list[tuple[Node, pytest.Mark]]:
        return [(self, one.mark) for one in self.marks]


MARK: Final = pytest.mark.foreign_thread
MATRIX, ALL = Selection(DEFAULT), Selection(DEFAULT, everything=True)
MODES: Final[dict[str, tuple[Selection, Node, tuple[str, ...]]]] = {
    "unmarked": (MATRIX, Node(), ()),
    "unmarked among all": (ALL, Node(), DEFAULT),
    "marked": (MATRIX, Node((MARK,)), DEFAULT),
    "marked with modes of its own": (MATRIX, Node((MARK(mode=["pool", "same"]),)), DEFAULT),
    "left out": (MATRIX, Node((MARK(skip="why"),)), ()),
    "left out of all": (ALL, Node((MARK(skip="why"),)), ()),
    "no matrix": (Selection(), Node((MARK,)), ()),
    "no matrix, its own modes": (Selection(), Node((MARK(mode=["pool", "same"]),)), ("pool", "same")),
    "no matrix, left out": (Selection(), Node((MARK(mode=["pool", "same"], skip="why"),)), ()),
}


@pytest.mark.parametrize(("selection", "node", "modes"), MODES.values(), ids=MODES)
def test_the_modes_of_which_a_test_has_an_item_each(selection: Selection, node: Node, modes: tuple[str, ...]) -> None:
    assert selection.modes_of(node) == modes


def test_the_hint_how_to_take_unmarked_tests_too_is_given_where_it_helps() -> None:
    census = Census(1, {UNMARKED: 2, "of kind DoctestItem": 1})
    assert list(census.words(everything=False)) == [
        "1 of kind DoctestItem",
        "2 unmarked (--foreign-thread-all takes them, too)",
    ]
    assert list(census.words(everything=True)) == ["1 of kind DoctestItem", "2 unmarked"]
    assert Census(**census.as_data()) == census
