"""Test Python callbacks on Java threads: segfaults, hangs and NULL results as test outcomes, with their stacks.

PYTEST_DONT_REWRITE: a fresh interpreter imports it before pytest, which would warn that it comes too late.
"""

from __future__ import annotations

from .decorator import foreign_thread
from .outcomes import ChildCrash, ForeignThreadError, Hang, NullResult, Segfault

__version__ = "0.1.0"

__all__ = ["ChildCrash", "ForeignThreadError", "Hang", "NullResult", "Segfault", "__version__", "foreign_thread"]
