"""Which tests the matrix takes and in which modes, and which tests of a run it does not take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from ..config.chosen_options import Options
from .activation import is_marked, is_to_be_forked
from .markers import read_markers

UNMARKED: Final = "unmarked"
TOO_LATE: Final = "marked after its items were made"


@dataclass(frozen=True)
class Selection:
    """`modes` are those of the matrix, none where the run has none; `everything` takes unmarked tests too."""

    modes: tuple[str, ...] = ()
    everything: bool = False
    forked: bool = False
    """Whether tests that pytest-forked would fork are taken."""

    def modes_of(self, node: Any) -> tuple[str, ...]:
        """Return the modes of which the test has an item each; none where it stays one item."""
        marked = read_markers(node)
        if marked.skip is not None:
            return ()
        if self.modes and (self.everything or is_marked(node)):
            return self.modes
        return marked.modes if len(marked.modes) > 1 else ()


@dataclass(frozen=True)
class Census:
    """How many tests of a run the matrix has, and why it does not have the others: reason → tests."""

    tests: int = 0
    left: Mapping[str, int] = field(default_factory=dict)
    deselected: int = 0

    def words(self, everything: bool) -> Iterator[str]:
        """Yield a part for each reason: `2 unmarked`."""
        for reason, number in sorted(self.left.items()):
            hint = " (--foreign-thread-all takes them, too)" if reason == UNMARKED and not everything else ""
            yield f"{number} {reason}{hint}"

    def as_data(self) -> dict[str, Any]:
        return {"tests": self.tests, "left": dict(self.left), "deselected": self.deselected}


SELECTION = pytest.StashKey[Selection]()


def selection_of(config: pytest.Config, options: Options) -> Selection:
    """An ini file's modes alone ask for no matrix: each run of the project would be one."""
    named = config.getoption("--foreign-thread-modes") is not None
    asked = options.matrix or options.all or named
    return Selection(options.modes if asked else (), options.all, options.forked)


def is_forked(item: pytest.Item) -> bool:
    """Whether pytest-forked would fork the test, and this run has that done here."""
    return item.config.stash.get(SELECTION, Selection()).forked and is_to_be_forked(item)


def why_left(item: pytest.Item) -> str:
    """Say in a word or two why an item of a run with a matrix is none of the matrix."""
    skip = read_markers(item).skip
    if skip is not None:
        return f"left out: {skip}"
    if not isinstance(item, pytest.Function):
        return f"of kind {type(item).__name__}"
    return TOO_LATE if is_marked(item) else UNMARKED


def reasons(items: Iterable[pytest.Item]) -> dict[str, int]:
    return dict(Counter(map(why_left, items)))
