"""Pending tasks of asyncio. Its `all_tasks` needs a loop, and nothing lists the loops."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def pending_tasks() -> frozenset[int]:
    """Return the `id` of each pending task; empty if asyncio is not imported or lacks the private sets of tasks.

    Since Python 3.14 these are the tasks of the loop that is set for this thread, and those that are not asyncio's own.
    """
    module = sys.modules.get("asyncio.tasks")
    # Python 3.10 and 3.11 have the first name, later releases have the second.
    known: Iterable[object] = getattr(module, "_all_tasks", None) or getattr(module, "_scheduled_tasks", None) or ()
    pending = {id(task) for task in list(known) if not getattr(task, "done", bool)()}
    if module is not None and (loop := _set_loop()) is not None:
        pending |= set(map(id, module.all_tasks(loop)))
    return frozenset(pending)


def _set_loop() -> object:
    """Return the loop that is set for this thread; None if none is. asyncio's `get_event_loop` may make one."""
    policy = getattr(sys.modules.get("asyncio.events"), "_event_loop_policy", None)
    return getattr(getattr(policy, "_local", None), "_loop", None)
