"""Python's collector of garbage in a fork, where it is off at first."""

from __future__ import annotations

import gc

from ..config import stash_keys


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
