"""Where the child's output goes, seen from the file descriptors."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputPutAside:
    """Sends descriptors 1 and 2 to files until `put_back`: what pytest says while it starts is not the user's."""

    def __init__(self, folder: Path) -> None:
        self._files = [folder / f"start_{name}" for name in ("stdout", "stderr")]
        self._saved = {fd: os.dup(fd) for fd in (1, 2) if _is_open(fd)}
        for fd, path in zip((1, 2), self._files, strict=True):
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(target, fd)
            os.close(target)

    def text(self) -> str:
        """Return what was said."""
        _flush()
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in self._files)

    def put_back(self) -> None:
        """Also where pytest's capture holds copies of them, from which it will make 1 and 2 again."""
        _flush()
        for fd, saved in self._saved.items():
            aside = os.fstat(fd)
            for other in _open_descriptors():
                if _is_open(other) and os.path.samestat(os.fstat(other), aside):
                    os.dup2(saved, other, inheritable=os.get_inheritable(other))
            os.close(saved)
        self._saved.clear()


def give_own_capture_files(folder: Path) -> None:
    """Put files of this child's own under pytest's fd capture.

    pytest captures descriptors 1 and 2 into unlinked temporary files, whose descriptions, offset included, a forked
    child shares with its parent. Every descriptor of such a file is pointed at a new file in `folder`, which also
    lets the parent read what a dead child had written.
    """
    for fd, name in ((1, "stdout"), (2, "stderr")):
        captured = _identity(fd)
        if captured is None:
            continue
        own = _new_file(folder / name)
        for other in _open_descriptors():
            if other != own and _identity(other) == captured:
                os.dup2(own, other, inheritable=os.get_inheritable(other))
        os.close(own)


def _new_file(path: Path) -> int:
    """Return the descriptor of a new file, of one without a name where the directory takes none.

    A test of this child, or of another that runs at the same time, may have removed the directory, or have put a link
    to a file of the user's in the place of the file, or a FIFO, which nobody would ever open at the other end.
    """
    try:
        path.unlink(missing_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return os.memfd_create(path.name)


def _identity(fd: int) -> tuple[int, int] | None:
    """Return device and inode of an unlinked regular file, else None: the file of `pytest -s > log` is the user's."""
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 else None


def _open_descriptors() -> list[int]:
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    return [int(name) for name in os.listdir(folder)]


@contextmanager
def diverted(path: Path) -> Iterator[None]:
    """Send descriptors 1 and 2 to a file for a while: what a JVM says while it starts is about it, not the test."""
    _flush()
    target = _new_file(path)
    saved = {fd: os.dup(fd) for fd in (1, 2) if _is_open(fd)}
    try:
        for fd in saved:
            os.dup2(target, fd)
        yield
    finally:
        os.close(target)
        for fd, copy in saved.items():
            os.dup2(copy, fd)
            os.close(copy)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
