"""A lock between processes, on a file or a directory that others may remove, or put something else in the place of."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable


def locked_or_closed(descriptor: int, is_in_place: Callable[[], bool]) -> int | None:
    """Return the descriptor, which then holds the lock; None, and close it, where another process has the lock.

    None as well where what was opened is not in its place any more: its holder may have moved it meanwhile.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_in_place():
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
