"""Tasks of asyncio that have not ended, in whatever loop: asyncio lists those of one loop, which has to be known."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def pending_tasks() -> frozenset[int]:
    """Return the identity of each; none where asyncio was not imported, or does not tell."""
    module = sys.modules.get("asyncio.tasks")
    # The first is of Python 3.10 and 3.11, the second of later ones.
    known: Iterable[object] = getattr(module, "_all_tasks", None) or getattr(module, "_scheduled_tasks", None) or ()
    return frozenset(id(task) for task in list(known) if not getattr(task, "done", bool)())
