"""Test Python callbacks on Java threads: segfaults, hangs and NULL results as test outcomes, with their stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .decorator import foreign_thread
    from .outcomes import ChildCrash, ForeignThreadError, Hang, NullResult, Segfault
else:

    def __getattr__(name: str) -> object:
        """Import what is asked for: the plugin is imported from here by each run of pytest, and few use more of it."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(".decorator" if name == "foreign_thread" else ".outcomes", __name__), name)


__version__ = "0.1.0"

__all__ = ["ChildCrash", "ForeignThreadError", "Hang", "NullResult", "Segfault", "__version__", "foreign_thread"]
