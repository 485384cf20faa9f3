"""A directory known by an open descriptor and not by its name, which a test may give to another directory."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from .process.fork import OpenEnds
from .removal import remove_contents

_DESCRIPTORS = Path("/proc/self/fd")


class OpenedFolder:
    """A directory that this plugin has made and keeps open; the caller must call `remove` or `close`."""

    def __init__(self, path: Path, ends: OpenEnds) -> None:
        """`path` is absolute. Raise OSError if `path` is no directory, or is a link to a directory."""
        self.path = path
        self._ends = ends
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        ends.add(self.descriptor)
        self._open = True
        self._status = os.fstat(self.descriptor)
        self.here = _DESCRIPTORS / str(self.descriptor) if _DESCRIPTORS.is_dir() else path
        """A path by which this process reaches the directory even after it was moved, on Linux."""

    @property
    def made_at(self) -> int:
        """The time when the directory was made, in nanoseconds, by the clock of its file system."""
        return self._status.st_ctime_ns

    def in_place(self) -> bool:
        """Return whether the directory still lies at its path and its owner may read, write and enter it."""
        with contextlib.suppress(OSError):
            found = self.path.lstat()
            usable = stat.S_IMODE(found.st_mode) & stat.S_IRWXU == stat.S_IRWXU
            return usable and os.path.samestat(found, self._status)
        return False

    def exists(self) -> bool:
        """Return whether the directory has not been removed; it may have been moved."""
        return self._place() is not None

    def permit(self) -> None:
        """Restore the owner's permissions, which a test may have taken away."""
        with contextlib.suppress(OSError):
            os.fchmod(self.descriptor, stat.S_IRWXU)

    def rename(self, prefix: str) -> None:
        """Put a prefix before the directory's name if the directory is in its place and the name has no such prefix."""
        if self.in_place() and not self.path.name.startswith(prefix):
            with contextlib.suppress(OSError):
                self.path = self.path.rename(self.path.with_name(prefix + self.path.name))

    def remove(self) -> None:
        """Remove the directory and its contents, wherever it lies now, and a link in its place; may be called again."""
        # After `close`, and in a forked child, the descriptor's number may belong to another directory.
        if not self._open or not self._ends.holds(self.descriptor):
            return
        remove_contents(self.descriptor)
        with contextlib.suppress(OSError):
            if (place := self._place()) is not None:
                place.rmdir()
        with contextlib.suppress(OSError):
            if self.path.is_symlink():
                self.path.unlink()
        self.close()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._ends.close(self.descriptor)

    def _place(self) -> Path | None:
        """Return the current path of the directory; None if it was removed."""
        return self._if_here(self.path) or self._if_here(self._moved_to())

    def _if_here(self, place: Path | None) -> Path | None:
        with contextlib.suppress(OSError, ValueError):
            if place is not None and os.path.samestat(place.lstat(), self._status):
                return place
        return None

    def _moved_to(self) -> Path | None:
        with contextlib.suppress(OSError):
            return Path(os.readlink(_DESCRIPTORS / str(self.descriptor)))
        return None
