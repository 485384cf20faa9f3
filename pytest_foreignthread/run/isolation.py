"""Which tests may share a child, and which of them is the last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pytest

from ..config.stash_keys import SETTINGS
from ..model.settings import Settings

_MOST_READY: Final = 4
"""Tests run one after the other: more children than this are not there sooner."""

JvmKey = tuple[object, ...]
"""What a JVM is started with, or that there is none: tests that differ in it cannot share a child."""


@dataclass(frozen=True)
class Group:
    """Tests that one child may serve."""

    jvm: JvmKey
    module: str | None
    """The module's node id; None where the child is for the session."""
    mode: str
    """A test that has run leaves traces in its process: in another mode it runs in another child."""
    looks: bool = False
    """Whether the child says after each test what that has left, and another child serves the next where it did."""


def number_ready(chosen: int | None, processors: int, workers: int) -> int:
    """Return how many children may be ready: what the user chose, else a worker's share of the processors."""
    return min(_MOST_READY, processors // workers) if chosen is None else chosen


def jvm_key(settings: Settings) -> JvmKey:
    if settings.jvm is None:
        return ()
    return settings.jvm, settings.jvm_profile, settings.jvm_args, settings.classpath


def group_of(item: pytest.Item) -> Group | None:
    """None for a test that has a child of its own, and for one that runs in the pytest process."""
    settings = item.stash.get(SETTINGS, None)
    # A process whose interpreter is finalized can serve no other test.
    if settings is None or settings.isolation == "test" or settings.finalize:
        return None
    module = module_of(item) if settings.isolation == "module" else None
    return Group(jvm_key(settings), module, settings.mode, looks=settings.isolation == "auto")


def module_of(item: pytest.Item) -> str:
    module = item.getparent(pytest.Module)
    return item.nodeid if module is None else module.nodeid


class Places:
    """The items of a run in their order. A fork copies the list, so that a place names an item there as well."""

    def __init__(self, items: Iterable[pytest.Item]) -> None:
        self.items = list(items)
        self._places = {item: place for place, item in enumerate(self.items)}
        self._last = {group: place for place, item in enumerate(self.items) if (group := group_of(item)) is not None}

    def of(self, item: pytest.Item) -> int:
        """Return the item's place; a new one to an item that was made while tests ran."""
        if item not in self._places:
            self._places[item] = len(self.items)
            self.items.append(item)
        return self._places[item]

    def may_come_again(self, group: Group, item: pytest.Item) -> bool:
        """Whether tests of the group stand behind the item. An xdist worker gets some of them, or none."""
        return self._last.get(group, -1) > self.of(item)

    def after(self, item: pytest.Item) -> Iterable[pytest.Item]:
        return (self.items[place] for place in range(self.of(item) + 1, len(self.items)))
