"""Names under which hooks find what a run noted: keys of `config.stash` and of an item's."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from ..model.settings import Settings

FILTERS = pytest.StashKey[Sequence[tuple[Any, ...]]]()
"""The warning filters outside of any test."""

START_PATH = pytest.StashKey[tuple[str, ...]]()
"""sys.path before pytest loaded the project's conftests."""

FRESH = pytest.StashKey[bool]()
"""Whether this is the pytest of a fresh interpreter, which takes orders from another pytest process."""

DESELECTED = pytest.StashKey[int]()
"""How many items were deselected before the run needed this plugin."""

ORDER = pytest.StashKey[Sequence[str]]()
"""In xdist's controller the node ids of the run."""

USAGE_ERROR: Final = "foreign_thread_usage_error"
"""Key in the data that an xdist worker leaves its controller at its end."""

FROZEN: Final = gc.get_freeze_count()
"""What the collector leaves alone before the project has frozen anything: CPython 3.12 begins with some objects."""

LOGS = pytest.StashKey[Any]()
"""In xdist's controller a `started.WorkerLogs`: what the workers write of the tests that they start."""

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""Of an item: present if it is a foreign-thread test."""

TICK = pytest.StashKey[Callable[[], None]]()
"""Call this when a child begins a test, and about once a second while it runs; present if the run has a live line."""

STEP_ASIDE = pytest.StashKey[Callable[[], None]]()
"""Call this before a debugger in a child writes on the screen."""

LIVE = pytest.StashKey[str]()
"""One of `choices.LIVE_CHOICES`."""

CHILD = pytest.StashKey[Any]()
"""The `ChildState` of the child that this process is; absent in the pytest process."""
