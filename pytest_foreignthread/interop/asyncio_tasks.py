"""Pending tasks of asyncio in all event loops. asyncio's `all_tasks` needs a loop, and nothing lists the loops."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def pending_tasks() -> frozenset[int]:
    """Return the `id` of each pending task; empty if asyncio is not imported or lacks the private set of tasks."""
    module = sys.modules.get("asyncio.tasks")
    # Python 3.10 and 3.11 have the first name, later releases have the second.
    known: Iterable[object] = getattr(module, "_all_tasks", None) or getattr(module, "_scheduled_tasks", None) or ()
    return frozenset(id(task) for task in list(known) if not getattr(task, "done", bool)())
