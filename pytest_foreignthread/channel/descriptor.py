"""A descriptor whose file is known: a test may close it, and its number may become that of a file of the test."""

from __future__ import annotations

from os import fstat, set_blocking


class Descriptor:
    """The number of a descriptor that is open, and the file that it refers to."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._file = _identity(number)

    @property
    def stands(self) -> bool:
        """Whether the descriptor is open, and refers to the same file as at first."""
        return self._file is not None and _identity(self.number) == self._file

    def set_blocking(self) -> None:
        """Let reads and writes wait again: a test may have made all its descriptors non-blocking."""
        set_blocking(self.number, True)


def _identity(number: int) -> tuple[int, int] | None:
    """Return device and inode, which tell one file from every other; None if the descriptor is closed."""
    try:
        status = fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino
