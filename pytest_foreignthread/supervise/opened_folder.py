"""A directory that is known by what it is and not by its name, which a test may give to something else."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from .process.fork import OpenEnds
from .removal import remove_contents

_DESCRIPTORS = Path("/proc/self/fd")


class OpenedFolder:
    """A directory of this plugin's, opened when it was made. Whoever opened it calls `remove` or `close`."""

    def __init__(self, path: Path, ends: OpenEnds) -> None:
        """`path` is absolute. Raise OSError when `path` is not a directory, or is a link to a directory."""
        self.path = path
        self._ends = ends
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        ends.add(self.descriptor)
        self._open = True
        self._status = os.fstat(self.descriptor)
        self.here = _DESCRIPTORS / str(self.descriptor) if _DESCRIPTORS.is_dir() else path
        """The path by which this process reaches the directory, wherever that lies by now."""

    @property
    def made_at(self) -> int:
        """When the directory was opened, in nanoseconds, by the clock of its file system."""
        return self._status.st_ctime_ns

    def in_place(self) -> bool:
        """Whether the directory can be used under its path, as when it was made."""
        with contextlib.suppress(OSError):
            found = self.path.lstat()
            usable = stat.S_IMODE(found.st_mode) & stat.S_IRWXU == stat.S_IRWXU
            return usable and os.path.samestat(found, self._status)
        return False

    def exists(self) -> bool:
        """Whether the directory is there, under its path or another."""
        return self._place() is not None

    def permit(self) -> None:
        """Take the permissions back that a test may have taken from the directory."""
        with contextlib.suppress(OSError):
            os.fchmod(self.descriptor, stat.S_IRWXU)

    def rename(self, prefix: str) -> None:
        """Put a prefix before the directory's name, where the directory is in place and has none."""
        if self.in_place() and not self.path.name.startswith(prefix):
            with contextlib.suppress(OSError):
                self.path = self.path.rename(self.path.with_name(prefix + self.path.name))

    def remove(self) -> None:
        """Remove the directory with its contents, wherever it lies, and a link in its place; may be called again."""
        # Once closed, or in a child, the number may be another directory's.
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
        """Return where the directory lies by now; None when it was removed."""
        for place in (self.path, self._moved_to()):
            with contextlib.suppress(OSError, ValueError):
                if place is not None and os.path.samestat(place.lstat(), self._status):
                    return place
        return None

    def _moved_to(self) -> Path | None:
        with contextlib.suppress(OSError):
            return Path(os.readlink(_DESCRIPTORS / str(self.descriptor)))
        return None
