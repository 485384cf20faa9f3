"""One builder for an entry, also among runs: the lock is the folder itself, so none is left over."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(folder: Path) -> int | None:
    """Return the descriptor that holds the lock; None where another process has it. Raise OSError."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its holder may have moved or removed it since it was opened.
        if is_lock_of(lock, folder):
            return lock
    except BlockingIOError:
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None


def is_lock_of(lock: int, folder: Path) -> bool:
    """Whether the descriptor is of what has this name now."""
    try:
        return os.path.samestat(os.fstat(lock), os.lstat(folder))
    except FileNotFoundError:
        return False


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the lock; False where another process has it. Raise OSError."""
    lock = try_lock(folder)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)
