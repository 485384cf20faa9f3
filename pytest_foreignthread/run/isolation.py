"""Which tests may share a child, and which of these tests is the last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pytest

from ..config.stash_keys import SETTINGS
from ..model.checkers import OF_INTERPRETER
from ..model.settings import Settings

_MOST_READY: Final = 4
"""Children that wait at most, if the user chose no number. Tests run one after the other, so more would only wait."""

JvmKey = tuple[object, ...]
"""What a JVM and its interpreter are started with; empty for neither. Tests with different keys share no child."""


@dataclass(frozen=True)
class Group:
    """Tests that one child may serve."""

    jvm: JvmKey
    module: str | None
    """The module's node id; None if the child serves tests of the whole session."""
    mode: str
    """The mode of all tests of the group: a test leaves traces in its process, and would find them in its next mode."""
    reports_leftovers: bool = False
    """Whether the child says after each test what the test left behind. If it left something, the child is replaced."""


def number_ready(chosen: int | None, processors: int, workers: int) -> int:
    """Return how many children may be ready: the user's choice, or else this worker's share of the processors."""
    return min(_MOST_READY, processors // workers) if chosen is None else chosen


def jvm_key(settings: Settings) -> JvmKey:
    afresh = tuple(name for name in settings.checks if name in OF_INTERPRETER)
    if settings.jvm is None:
        return afresh
    return settings.jvm, settings.jvm_profile, settings.jvm_args, settings.classpath, afresh


def group_of(item: pytest.Item) -> Group | None:
    """Return the group of the test; None if the test has a child of its own or runs in the pytest process."""
    settings = item.stash.get(SETTINGS, None)
    # A process whose interpreter is finalized can serve no other test.
    if settings is None or settings.isolation == "test" or settings.finalize:
        return None
    module = module_of(item) if settings.isolation == "module" else None
    return Group(jvm_key(settings), module, settings.mode, reports_leftovers=settings.isolation == "auto")


def module_of(item: pytest.Item) -> str:
    module = item.getparent(pytest.Module)
    return item.nodeid if module is None else module.nodeid


class Places:
    """The items of a run in their order. A fork copies the list, so that a place names the same item in the child."""

    def __init__(self, items: Iterable[pytest.Item]) -> None:
        self.items = list(items)
        self._places = {item: place for place, item in enumerate(self.items)}
        grouped = [(item, group) for item in self.items if (group := group_of(item)) is not None]
        self._last = {group: self._places[item] for item, group in grouped}
        self._next = _next_in_group(grouped)

    def of(self, item: pytest.Item) -> int:
        """Return the item's place. An item that was made while tests ran is added at the end first."""
        if item not in self._places:
            self._places[item] = len(self.items)
            self.items.append(item)
        return self._places[item]

    def may_come_again(self, group: Group, item: pytest.Item) -> bool:
        """Return whether a test of the group comes after the item in the order. It may go to another xdist worker."""
        return self._last.get(group, -1) > self.of(item)

    def next_in_group(self, item: pytest.Item) -> pytest.Item | None:
        """Return the test that the child of the item's group serves next in the order; None if there is none."""
        return self._next.get(item)

    def after(self, item: pytest.Item) -> Iterable[pytest.Item]:
        return (self.items[place] for place in range(self.of(item) + 1, len(self.items)))


def _next_in_group(grouped: Iterable[tuple[pytest.Item, Group]]) -> dict[pytest.Item, pytest.Item]:
    """Return the next item of its group for each item that has one. Other children run a stressed test."""
    following: dict[pytest.Item, pytest.Item] = {}
    before: dict[Group, pytest.Item] = {}
    for item, group in grouped:
        if item.stash[SETTINGS].stress is None:
            if group in before:
                following[before[group]] = item
            before[group] = item
    return following
