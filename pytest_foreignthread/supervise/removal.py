"""Remove what a test may have left in a directory: without permissions, of any depth, with links out of it."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from collections.abc import Iterator

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PATH = getattr(os, "O_PATH", os.O_RDONLY)


def remove_contents(folder: int) -> None:
    """Remove all that lies in an opened directory, as far as it can be removed. No link is followed.

    Directories are moved to the top before they are entered. So neither the depth nor the length of a path has a limit,
    and what is mounted in the directory, which cannot be moved, stays as it is.
    """
    numbers = itertools.count()
    left = _moved_to_top(folder, folder, numbers)
    while left:
        name = left.pop()
        with _opened(folder, name) as inner:
            if inner is not None:
                left += _moved_to_top(inner, folder, numbers)
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)


def _moved_to_top(folder: int, top: int, numbers: Iterator[int]) -> list[str]:
    """Remove the files of a directory, and move its directories into `top`; return their new names."""
    moved: list[str] = []
    with contextlib.suppress(OSError):
        os.fchmod(folder, stat.S_IRWXU)
    for name in _names(folder):
        if _unlinked(folder, name):
            continue
        new = f"removed-{os.getpid()}-{next(numbers)}"
        with contextlib.suppress(OSError):
            _move(name, new, folder, top)
            moved.append(new)
    return moved


def _names(folder: int) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def _unlinked(folder: int, name: str) -> bool:
    """Return whether `name` was removed: a file, or an empty directory."""
    for remove in (os.unlink, os.rmdir):
        with contextlib.suppress(OSError):
            remove(name, dir_fd=folder)
            return True
    return False


def _move(name: str, new: str, folder: int, top: int) -> None:
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:
        # A directory that may not be written may not be moved.
        with _opened(folder, name):
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)


@contextlib.contextmanager
def _opened(parent: int, name: str) -> Iterator[int | None]:
    """Open a directory of which a test may have taken the permissions; None where that is not possible."""
    with contextlib.ExitStack() as opened:
        folder = None
        with contextlib.suppress(OSError):
            place = os.open(name, _FOLDER | _PATH, dir_fd=parent)
            opened.callback(os.close, place)
            # By its name chmod() would follow a link that has taken the place of the directory.
            os.chmod(f"/proc/self/fd/{place}", stat.S_IRWXU)
            folder = os.open(".", _FOLDER | os.O_RDONLY, dir_fd=place)
            opened.callback(os.close, folder)
        yield folder
