"""Whether a run needs this plugin, which is asked of each node: few modules are imported for that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

from ..config.stash_keys import DESELECTED
from ..interop.pytest_fixtures import fixture_names
from ..model.choices import MARKER

FORKED: Final = "forked"
"""pytest-forked's marker."""

CHILD_FIXTURE: Final = "_foreign_thread_child"
"""Each fixture of this plugin that needs a child requests this one; a suite may have a fixture `jvm` of its own."""


def is_marked(node: Any) -> bool:
    return node.get_closest_marker(MARKER) is not None


def needs_child(node: Any) -> bool:
    return CHILD_FIXTURE in fixture_names(node)


def forked_by_option(config: pytest.Config) -> bool:
    """Whether pytest-forked is there and was asked to fork every test."""
    return bool(config.getoption("forked", False))


def is_to_be_forked(node: Any) -> bool:
    return forked_by_option(node.config) or node.get_closest_marker(FORKED) is not None


def concerns(nodes: Iterable[Any]) -> bool:
    """Whether one of them is marked, asks for a fixture that needs a JVM, or is to be forked."""
    return any(is_marked(node) or needs_child(node) or is_to_be_forked(node) for node in nodes)


def note_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items[:1]:
        stash = item.config.stash
        stash[DESELECTED] = stash.get(DESELECTED, 0) + len(items)
