"""Whether a run needs this plugin. Every run of pytest asks this of each node, so this module imports little."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

from ..config.stash_keys import DESELECTED
from ..interop.pytest_fixtures import fixture_names
from ..model.choices import MARKER

FORKED: Final = "forked"
"""The marker of pytest-forked."""

CHILD_FIXTURE: Final = "_foreign_thread_child"
"""The fixture that each fixture of this plugin requests if it needs a child.

A public name would prove nothing: a suite may have a fixture `jvm` of its own.
"""


def is_marked(node: Any) -> bool:
    return node.get_closest_marker(MARKER) is not None


def needs_child(node: Any) -> bool:
    return CHILD_FIXTURE in fixture_names(node)


def forked_by_option(config: pytest.Config) -> bool:
    """Return whether pytest-forked is installed and forks every test."""
    return bool(config.getoption("forked", False))


def is_to_be_forked(node: Any) -> bool:
    return forked_by_option(node.config) or node.get_closest_marker(FORKED) is not None


def concerns(nodes: Iterable[Any]) -> bool:
    """Return whether a node is marked, requests a fixture that needs a child, or is to be forked."""
    return any(is_marked(node) or needs_child(node) or is_to_be_forked(node) for node in nodes)


def note_deselected(items: Sequence[pytest.Item]) -> None:
    """Add the number of deselected items to the count in the stash."""
    for item in items[:1]:
        stash = item.config.stash
        stash[DESELECTED] = stash.get(DESELECTED, 0) + len(items)
