"""The keys of `config.stash` and of an item's stash that more than one room uses."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from ..model.settings import Settings

FILTERS = pytest.StashKey[Sequence[tuple[Any, ...]]]()
"""The warning filters that hold outside of any test."""

START_PATH = pytest.StashKey[tuple[str, ...]]()
"""The value of sys.path before pytest loaded the project's conftests."""

FRESH = pytest.StashKey[bool]()
"""Whether this process is a fresh interpreter, which takes orders from another pytest process."""

DESELECTED = pytest.StashKey[int]()
"""The number of items that were deselected before the run needed this plugin."""

ORDER = pytest.StashKey[Sequence[str]]()
"""The node ids of the run, in xdist's controller only."""

USAGE_ERROR: Final = "foreign_thread_usage_error"
"""The key of a usage error in the data that an xdist worker sends its controller at its end."""

FROZEN: Final = gc.get_freeze_count()
"""The number of frozen objects (`gc.freeze`) at import. A larger number later shows that the project has frozen some.

The number is not always 0, because CPython 3.12 starts with frozen objects.
"""

LOGS = pytest.StashKey[Any]()
"""A `started.WorkerLogs`, in xdist's controller only: what the workers write about the tests that they start."""

SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
"""The settings of an item; present if the item is a foreign-thread test."""

TICK = pytest.StashKey[Callable[[], None]]()
"""Draws the live line: to be called when a child begins a test, and about once a second after that; absent without a
live line."""

ROUND = pytest.StashKey[Callable[[str], None]]()
"""Sets what the live line says about the rounds of the test that runs; absent without a live line."""

STEP_ASIDE = pytest.StashKey[Callable[[], None]]()
"""Removes the live line: to be called before a debugger in a child writes to the screen; absent without a live line."""

LIVE = pytest.StashKey[str]()
"""The value of the option `live`, one of `choices.LIVE_CHOICES`."""

CHILD = pytest.StashKey[Any]()
"""The `ChildState` of this process; absent in the pytest process, which is no child."""

LEAVE_CACHE = pytest.StashKey[Callable[[], None]]()
"""Leaves the builder of the class archive to the pytest process: to be called in a forked child; absent until a test
needs a JVM."""
