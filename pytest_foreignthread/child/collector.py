"""Python's collector of garbage in a fork, where it is off at first."""

from __future__ import annotations

import gc
from typing import Final

from ..config import stash_keys
from ..interop.running_jvm import is_jpypes

_JPYPES: Final = "_jpype"


def forget_jvm_of_parent() -> None:
    """JPype's hooks in it may ask Java to collect its garbage as well.

    Of a JVM that ran in the process that was forked there is nothing here that could: they would wait without end.
    """
    if is_jpypes():
        gc.callbacks[:] = [one for one in gc.callbacks if getattr(one, "__module__", None) != _JPYPES]


def begin() -> None:
    """Turn it on, with all that there is by now among the old.

    As soon as JPype sees a collection, it has Java's garbage collected, and then all of Python's once more: in a new
    process, which copies each page that it writes to, this is a tenth of what a test costs.
    """
    # Of those that the project has frozen it is to leave all alone.
    if gc.get_freeze_count() <= stash_keys.FROZEN:
        gc.freeze()
        gc.unfreeze()
    gc.enable()
