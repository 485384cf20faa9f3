"""Redirects the child's output at the level of file descriptors."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputPutAside:
    """Sends descriptors 1 and 2 to files until `put_back`: what pytest prints at its start is not the user's output."""

    def __init__(self, folder: Path) -> None:
        self._files = [folder / f"start_{name}" for name in ("stdout", "stderr")]
        self._saved = {fd: os.dup(fd) for fd in (1, 2) if _is_open(fd)}
        for fd, path in zip((1, 2), self._files, strict=True):
            target = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(target, fd)
            os.close(target)

    def text(self) -> str:
        """Return what was written to the files."""
        _flush()
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in self._files)

    def put_back(self) -> None:
        """Restore descriptors 1 and 2, and every copy of them.

        pytest's capture holds copies, from which it restores 1 and 2 later.
        """
        _flush()
        for fd, saved in self._saved.items():
            aside = os.fstat(fd)
            for other in _open_descriptors():
                if _is_open(other) and os.path.samestat(os.fstat(other), aside):
                    os.dup2(saved, other, inheritable=os.get_inheritable(other))
            os.close(saved)
        self._saved.clear()


def give_own_capture_files(folder: Path) -> None:
    """Replace the files of pytest's fd capture by files of this child.

    pytest captures descriptors 1 and 2 in unlinked temporary files. A forked child shares their descriptions, with the
    offset, with its parent. Every descriptor of such a file is redirected to a new file in `folder`. This also lets the
    parent read what a dead child wrote.
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
    """Return the descriptor of a new file; a file without a name if the directory takes none.

    A test of this or of a concurrent child may have removed the directory. Or it may have replaced the file by a link
    to a file of the user's, or by a FIFO that nobody opens at the other end; hence the removal, and O_EXCL.
    """
    try:
        path.unlink(missing_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return os.memfd_create(path.name)


def _identity(fd: int) -> tuple[int, int] | None:
    """Return (device, inode) of an unlinked regular file, else None.

    A file that still has a name is the user's, for example in `pytest -s > log`.
    """
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
    """Send descriptors 1 and 2 to a file while the block runs.

    What a JVM prints while it starts belongs to the JVM, not to the output of the test.
    """
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
