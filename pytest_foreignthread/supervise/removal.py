"""Removal of what a test may have left in a directory: without permissions, of any depth, with links out of it.

`shutil.rmtree` is no help: it leaves a directory that its owner may not read, and it holds a descriptor open for each
level of the tree.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator

_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_PATH opens a directory that may not be read, which is enough to change its mode.
_PATH = getattr(os, "O_PATH", os.O_RDONLY)


def remove_contents(folder: int) -> None:
    """Remove the contents of the directory that `folder` is a descriptor of, as far as possible; follow no link.

    Each directory is moved into `folder` before it is entered. So no path is longer than one name, the depth has no
    limit, and the contents of a mount point stay as they are, because a mount point cannot be moved.
    """
    left = _moved_to_top(folder, folder)
    while left:
        name = left.pop()
        with _opened(folder, name) as inner:
            if inner is not None:
                left += _moved_to_top(inner, folder)
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)


def _moved_to_top(folder: int, top: int) -> list[str]:
    """Remove the files of a directory, and move its directories into `top`; return their new names."""
    moved: list[str] = []
    # To list a directory takes permission to read it, to remove its files permission to write to it.
    with contextlib.suppress(OSError):
        os.fchmod(folder, stat.S_IRWXU)
    for name in _names(folder):
        if _unlinked(folder, name):
            continue
        # Random: a test, or a removal that was interrupted, may have left a directory with a name that can be guessed.
        new = f"removed-{secrets.token_hex(16)}"
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
    # Trying both needs no stat(), whose answer may be wrong before it is used: a process of the test may still run.
    for remove in (os.unlink, os.rmdir):
        with contextlib.suppress(OSError):
            remove(name, dir_fd=folder)
            return True
    return False


def _move(name: str, new: str, folder: int, top: int) -> None:
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:
        # To move a directory, Linux rewrites its "..", and so asks for permission to write to it. Opening it here gives
        # that permission.
        with _opened(folder, name):
            os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)


@contextlib.contextmanager
def _opened(parent: int, name: str) -> Iterator[int | None]:
    """Restore the owner's permissions for a directory and open it; yield None if that is not possible."""
    with contextlib.ExitStack() as opened:
        folder = None
        with contextlib.suppress(OSError):
            place = os.open(name, _FOLDER | _PATH, dir_fd=parent)
            opened.callback(os.close, place)
            # chmod() of the name would follow a link that has just taken the place of the directory; fchmod() does not
            # work on an O_PATH descriptor. The path below leads to what was opened, whatever has the name now.
            os.chmod(f"/proc/self/fd/{place}", stat.S_IRWXU)
            folder = os.open(".", _FOLDER | os.O_RDONLY, dir_fd=place)
            opened.callback(os.close, folder)
        yield folder
