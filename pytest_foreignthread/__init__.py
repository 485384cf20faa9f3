"""Test Python callbacks on Java threads: segfaults, hangs and NULL results as test outcomes, with their stacks."""

from __future__ import annotations

from .decorator import foreign_thread
from .outcomes import ChildCrash, ForeignThreadError, Hang, NullResult, Segfault
from .threads_before_fork import ThreadsBeforeForkWarning

__version__ = "0.1.0"

__all__ = [
    "ChildCrash",
    "ForeignThreadError",
    "Hang",
    "NullResult",
    "Segfault",
    "ThreadsBeforeForkWarning",
    "__version__",
    "foreign_thread",
]
