"""Which tests the matrix takes, in which modes, and why it does not take the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from ..config.chosen_options import Options
from .activation import is_marked, is_to_be_forked
from .markers import Marked, read_markers

UNMARKED: Final = "unmarked"
TOO_LATE: Final = "marked after its items were made"


@dataclass(frozen=True)
class Selection:
    """The choice of tests for the matrix. `modes` is empty without a matrix; `everything` takes unmarked tests, too."""

    modes: tuple[str, ...] = ()
    everything: bool = False
    forked: bool = False
    """Whether tests that pytest-forked would fork run in children of this plugin."""

    def modes_of(self, node: Any) -> tuple[str, ...]:
        """Return the modes for each of which the test gets an item; () if the test stays one item."""
        return self.modes_by(read_markers(node), is_marked=is_marked(node))

    def modes_by(self, marked: Marked, *, is_marked: bool) -> tuple[str, ...]:
        """Return the same for a test of which this was read."""
        if marked.skip is not None:
            return ()
        if self.modes and (self.everything or is_marked):
            return self.modes
        return marked.modes if len(marked.modes) > 1 else ()


@dataclass(frozen=True)
class Census:
    """The number of tests in the matrix, and of items that are not in it: reason → number."""

    tests: int = 0
    left: Mapping[str, int] = field(default_factory=dict)
    deselected: int = 0

    def words(self, everything: bool) -> Iterator[str]:
        """Yield a text for each reason, such as `2 unmarked`."""
        for reason, number in sorted(self.left.items()):
            hint = " (--foreign-thread-all takes them, too)" if reason == UNMARKED and not everything else ""
            yield f"{number} {reason}{hint}"

    def as_data(self) -> dict[str, Any]:
        return {"tests": self.tests, "left": dict(self.left), "deselected": self.deselected}


SELECTION = pytest.StashKey[Selection]()


def selection_of(config: pytest.Config, options: Options) -> Selection:
    """Return the choice of tests for the matrix.

    Modes in an ini file do not make a run a matrix, because then each run of the project would be one.
    """
    named = config.getoption("--foreign-thread-modes") is not None
    asked = options.matrix or options.all or named
    return Selection(options.modes if asked else (), options.all, options.forked)


def is_forked(item: pytest.Item) -> bool:
    """Return whether pytest-forked would fork the test, and this run lets this plugin do that."""
    return item.config.stash.get(SELECTION, Selection()).forked and is_to_be_forked(item)


def why_left(item: pytest.Item) -> str:
    """Return the reason, in a few words, why an item is not in the matrix."""
    skip = read_markers(item).skip
    if skip is not None:
        return f"left out: {skip}"
    if not isinstance(item, pytest.Function):
        return f"of kind {type(item).__name__}"
    return TOO_LATE if is_marked(item) else UNMARKED


def reasons(items: Iterable[pytest.Item]) -> dict[str, int]:
    return dict(Counter(map(why_left, items)))
