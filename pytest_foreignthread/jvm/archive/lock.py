"""The lock that lets only one builder, of all runs, make an entry: on the directory itself, so no lock file is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...supervise.process.file_lock import locked_or_closed


def try_lock(folder: Path) -> int | None:
    """Return a descriptor that holds the lock of a directory; None if another process holds it, or it is gone.

    Raise OSError if the directory cannot be opened.
    """
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    return locked_or_closed(lock, lambda: is_lock_of(lock, folder))


def is_lock_of(lock: int, folder: Path) -> bool:
    """Return whether the descriptor is that of the directory which has this path now."""
    try:
        return os.path.samestat(os.fstat(lock), os.lstat(folder))
    except FileNotFoundError:
        return False


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a directory for the block; yield False if another process holds it. Raise OSError."""
    lock = try_lock(folder)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            os.close(lock)
