"""Whether a run has a use for this plugin, and what is noted until it has: it needs no other module for that."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest

from .choices import MARKER, REPORT_ATTRIBUTE

FORKED: Final = "forked"
"""pytest-forked's marker."""
FILTERS = pytest.StashKey[Sequence[tuple[Any, ...]]]()
"""The warning filters outside of any test."""
START_PATH = pytest.StashKey[tuple[str, ...]]()
"""sys.path before pytest loaded the project's conftests."""
FRESH = pytest.StashKey[bool]()
"""Whether this is the pytest of a fresh interpreter, which is told what to run."""
DESELECTED = pytest.StashKey[int]()
ORDER = pytest.StashKey[Sequence[str]]()
"""In xdist's controller the node ids of the run."""
LOGS = pytest.StashKey[Any]()
"""In xdist's controller a `started.WorkerLogs`: what the workers write of the tests that they start."""

ATTRIBUTE: Final = REPORT_ATTRIBUTE
"""Name of the attribute that our reports carry: {"outcome": word of an abnormal outcome or None, "entry": the
record's JSON form or None, "expect": mode → the outcomes that the marker expects there, "text": one line for the short
summary, "tail": the last lines of the failure's text, which the terminal shows below the captured output, "round": how
often the test had run before, where another plugin runs it in a loop}. Plain data, so that xdist takes it along."""
USAGE_ERROR: Final = "foreign_thread_usage_error"
"""Key in the data that an xdist worker leaves its controller at its end."""
FROZEN: Final = gc.get_freeze_count()
"""What the collector leaves alone before the project has frozen anything: CPython 3.12 begins with some objects."""
CHILD_FIXTURE: Final = "_foreign_thread_child"
"""All of this plugin's that need a child ask for it; a suite may have a fixture `jvm` of its own."""


def is_marked(node: Any) -> bool:
    return node.get_closest_marker(MARKER) is not None


def needs_child(node: Any) -> bool:
    return CHILD_FIXTURE in getattr(node, "fixturenames", ())


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
