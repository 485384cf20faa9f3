"""One builder for an entry, also among runs: the lock is the directory itself, so none is left over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...supervise.process.file_lock import locked_or_closed


def try_lock(folder: Path) -> int | None:
    """Return the descriptor that holds the lock; None where another process has it. Raise OSError."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    return locked_or_closed(lock, lambda: is_lock_of(lock, folder))


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
