"""Keepers whose child has ended in order, and that wait to fork another one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .keeper import Template
from .keeper_client import KeptChild
from .scratch import RunFolder

CAN_WAIT: Final = sys.platform == "linux"
"""Whether this platform has what a keeper needs to fork another child: sockets that keep requests apart."""
_MOST: Final = 4
"""Keepers that wait at most."""


class IdleKeepers:
    """The waiting keepers of a run, each a copy of the pytest process.

    The caller must call `close` when the pytest process changes, and at the end of the run.

    While a keeper waits, the directory of the run stays: the keeper removes it if the pytest process is killed.
    """

    def __init__(self, retire_unused: Callable[[RunFolder], object]) -> None:
        """`retire_unused` removes the directory of a run if nothing uses it."""
        self._retire_unused = retire_unused
        self._waiting: list[tuple[object, KeptChild, RunFolder]] = []

    def has(self, key: object) -> bool:
        """Return whether a keeper with this key waits, but perhaps for the directory of another run."""
        return any(waiting == key for waiting, _, _ in self._waiting)

    def next_child(self, key: object, scratch: RunFolder, argument: str) -> KeptChild | None:
        """Return a new child of a waiting keeper; None if no keeper with this key and this directory waits.

        The caller puts off signals. Raise OSError if a pipe cannot be made.
        """
        for entry in tuple(self._waiting):
            waiting, kept, folder = entry
            if waiting != key or folder is not scratch:
                continue
            child = kept.next_child(argument)
            if child is not None:
                self._forget(entry)
                return child
            self._end(entry)
        return None

    def add(self, key: object, kept: KeptChild, scratch: RunFolder) -> bool:
        """Let the keeper of a child that was terminated wait; return False if the keeper cannot or need not."""
        if len(self._waiting) >= _MOST or not kept.can_keep_another:
            return False
        scratch.keepers += 1
        self._waiting.append((key, kept, scratch))
        return True

    def close(self) -> None:
        """End all waiting keepers; may be called again."""
        for entry in tuple(self._waiting):
            self._end(entry)

    def _end(self, entry: tuple[object, KeptChild, RunFolder]) -> None:
        entry[1].release()
        entry[1].close()
        self._forget(entry)
        self._retire_unused(entry[2])

    def _forget(self, entry: tuple[object, KeptChild, RunFolder]) -> None:
        self._waiting.remove(entry)
        entry[2].keepers -= 1


@dataclass(frozen=True)
class Reuse:
    """How a child may have a keeper that has had other children, and leave its keeper to other children."""

    keepers: IdleKeepers
    key: object
    """Children with equal keys may have the same keeper, and so begin with the same memory."""
    template: Template
    argument: str
    """This child's argument of `template.make_main`."""
