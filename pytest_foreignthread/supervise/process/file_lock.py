"""A lock between processes, on a file or a directory that other processes may remove or replace."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable


def locked_or_closed(descriptor: int, is_in_place: Callable[[], bool]) -> int | None:
    """Lock an opened file and return its descriptor; close it and return None if another process has the lock.

    Also return None if `is_in_place` is false once the lock is held: the last holder may have removed or moved the file
    between the opening and the lock, and a lock on such a file keeps nobody out.
    """
    try:
        # flock(), not lockf(): the lock belongs to the open file that forks share, and lasts until all have closed it.
        # It must not wait: another run may hold the lock until its end.
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
