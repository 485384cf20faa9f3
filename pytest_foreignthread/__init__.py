"""Test Python callbacks on Java threads: segfaults, hangs and NULL results as test outcomes, with their stacks.

PYTEST_DONT_REWRITE: a fresh interpreter imports this package before pytest, and pytest would warn that it cannot
rewrite the asserts of a package that is imported already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .child.callback import Bridge
    from .child.foreign_calls import ForeignThread
    from .child.java.jni_warnings import JniWarning
    from .collect.class_path import ClassPathWarning
    from .decorator import Isolation, Mode, OutcomeWord, OwnModeName, foreign_thread
    from .model.modes import OwnMode
    from .model.outcomes import ChildCrash, ForeignThreadError, Hang, NullResult, Outcome, Segfault
    from .run.threads_before_fork import ThreadsBeforeForkWarning
else:

    def __getattr__(name: str) -> object:
        """Import a public name at its first use.

        Each run of pytest imports this package to load the plugin, and few runs need more of it. Raise AttributeError
        for any other name.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        modules = {
            "Bridge": ".child.callback",
            "ClassPathWarning": ".collect.class_path",
            "ForeignThread": ".child.foreign_calls",
            "JniWarning": ".child.java.jni_warnings",
            "Isolation": ".decorator",
            "Mode": ".decorator",
            "OutcomeWord": ".decorator",
            "OwnModeName": ".decorator",
            "foreign_thread": ".decorator",
            "OwnMode": ".model.modes",
            "ThreadsBeforeForkWarning": ".run.threads_before_fork",
        }
        return getattr(import_module(modules.get(name, ".model.outcomes"), __name__), name)


__version__ = "0.2.0"

__all__ = [
    "Bridge",
    "ChildCrash",
    "ClassPathWarning",
    "ForeignThread",
    "ForeignThreadError",
    "Hang",
    "Isolation",
    "JniWarning",
    "Mode",
    "NullResult",
    "Outcome",
    "OutcomeWord",
    "OwnMode",
    "OwnModeName",
    "Segfault",
    "ThreadsBeforeForkWarning",
    "__version__",
    "foreign_thread",
]
