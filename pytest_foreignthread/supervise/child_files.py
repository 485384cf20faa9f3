"""Files that a child may have made or replaced: the pytest process opens and reads them here, and nowhere else.

None of these functions follows a link, waits for another process, or reads more than its limit. A test can put a FIFO
in the place of a document, which would block open() for ever, a link that leads out of the directory, or a file of any
size.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

LONGEST: Final = 4 * 1024 * 1024
"""The number of bytes that are read of a document; of a longer document the last bytes are read."""

_PIECE: Final = 1024 * 1024
# O_NONBLOCK: a FIFO would wait for its other end. O_NOCTTY: a terminal would become the controlling one.
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


WHAT_TO_DO: Final = "make room or give permission there, or set TMPDIR to a directory of yours"


class UnreadableError(Exception):
    """A file exists and cannot be used; the text says why."""


def read_text(path: Path, start: int = 0) -> str:
    """Return the text from byte `start` on; if it has more than `LONGEST` bytes, a remark and the last of them.

    Raise FileNotFoundError if nothing has the name, and UnreadableError if what has the name is no regular file or
    cannot be read.
    """
    data, left_out = _last_bytes(path, start)
    text = data.decode("utf-8", "replace")
    return text if left_out <= 0 else f"[the first {left_out} bytes are left out]\n{text}"


def read_on(path: Path, start: int) -> tuple[str, int]:
    """Return the text from byte `start` on, at most its last `LONGEST` bytes, and the position behind it.

    Raise as `read_text` does.
    """
    data, left_out = _last_bytes(path, start)
    return data.decode("utf-8", "replace"), start + left_out + len(data)


def _last_bytes(path: Path, start: int) -> tuple[bytes, int]:
    """Return the last bytes from `start` on, at most `LONGEST`, and the number of bytes left out before them."""
    descriptor = _opened(path)
    try:
        left_out = max(0, os.fstat(descriptor).st_size - start - LONGEST)
        return _bytes_from(descriptor, start + left_out, LONGEST), left_out
    except OSError as error:
        raise UnreadableError(_words(error)) from error
    finally:
        os.close(descriptor)


def _bytes_from(descriptor: int, start: int, most: int) -> bytes:
    # In pieces: pread() allocates all that it is asked for, and most documents are short.
    pieces: list[bytes] = []
    while most > 0 and (piece := os.pread(descriptor, min(most, _PIECE), start)):
        pieces.append(piece)
        start, most = start + len(piece), most - len(piece)
    return b"".join(pieces)


def size(path: Path) -> int:
    """Return the size of a regular file in bytes; 0 for anything else, and if there is nothing."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        return status.st_size if stat.S_ISREG(status.st_mode) else 0
    return 0


def copy(path: Path, target: Path, most: int) -> None:
    """Copy a file to a new one.

    Raise FileNotFoundError if nothing has the name, and UnreadableError if what has the name is no regular file, has
    more than `most` bytes, or cannot be copied.
    """
    descriptor = _opened(path)
    try:
        length = os.fstat(descriptor).st_size
        if length > most:
            raise UnreadableError(f"it has {length} bytes, expected {most} at most")
        with target.open("xb") as file:
            # At most the size that was checked: a process of the test may make the file grow while it is copied.
            done = 0
            while done < length and (piece := os.pread(descriptor, min(_PIECE, length - done), done)):
                file.write(piece)
                done += len(piece)
    except OSError as error:
        raise UnreadableError(_words(error)) from error
    finally:
        os.close(descriptor)


def open_fifo(path: Path) -> int:
    """Return a descriptor of a FIFO, opened for both directions so that no end waits for the other.

    Raise FileNotFoundError if nothing has the name, and UnreadableError if what has the name is no FIFO, or a FIFO
    that has another name as well: such a FIFO may be one of the user's that a test has linked here.
    """
    return _checked(path, os.O_RDWR, stat.S_ISFIFO, "a FIFO", links=1)


def _opened(path: Path) -> int:
    return _checked(path, os.O_RDONLY, stat.S_ISREG, "a regular file", links=None)


def _checked(path: Path, flags: int, wanted: Callable[[int], bool], kind: str, links: int | None) -> int:
    try:
        # Look before opening: to open a device may have an effect.
        _check(path.lstat(), wanted, kind, links)
        descriptor = os.open(path, flags | _SAFELY)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableError(_words(error)) from error
    try:
        # Look again after opening: a process of the test may have replaced the file in between.
        _check(os.fstat(descriptor), wanted, kind, links)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, wanted: Callable[[int], bool], kind: str, links: int | None) -> None:
    if not wanted(status.st_mode):
        found = next((word for is_kind, word in _KINDS if is_kind(status.st_mode)), "a regular file")
        raise UnreadableError(f"expected {kind}, got {found}")
    if links is not None and status.st_nlink > links:
        raise UnreadableError(f"expected {kind} of its own, got one that has {status.st_nlink} names")


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def no_room(error: OSError) -> str:
    """Return a text that says why the files of a child cannot be made, and what to do."""
    return f"cannot keep scratch files ({error}); {WHAT_TO_DO}"
