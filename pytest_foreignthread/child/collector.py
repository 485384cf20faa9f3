"""Python's garbage collector in a forked child, where it is off at first."""

from __future__ import annotations

import gc

from ..config import stash_keys


def begin() -> None:
    """Turn on the garbage collector, with all objects that exist now in the oldest generation.

    When JPype notices a collection of Python's, it starts Java's collector, and then a full collection of Python's. In
    a fork, which copies each page that it writes to, this takes a tenth of the time of a test. Without young objects no
    collection is due when the first test begins.
    """
    # `gc.unfreeze` unfreezes everything, so it must not run if the project has frozen objects itself.
    if gc.get_freeze_count() <= stash_keys.FROZEN:
        gc.freeze()
        gc.unfreeze()
    gc.enable()
