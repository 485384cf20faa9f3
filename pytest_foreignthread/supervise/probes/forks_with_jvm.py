"""Processes that a child has forked after its JVM started: a copy of a JVM, which does not work."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Final

from ..process import processes
from . import native

_LIBRARIES: Final = ("/libjvm.so",)
_MOST: Final = 3
"""Processes that are looked at."""

Stacks = Callable[[int, float], str]
"""Returns pystack's text of a process, at most until a time on the monotonic clock. Raises NativeError."""


def forked_jvms(pid: int) -> list[int]:
    """Return the descendants that are forks of the process: they run its program, and have its JVM in memory."""
    program = _program(pid)
    if program is None or not _has_jvm(pid):
        return []
    return [one for one in processes.descendants(pid) if _program(one) == program and _has_jvm(one)][:_MOST]


def stacks_of(pids: list[int], give_up: float, stacks: Stacks) -> str:
    """Return a part for each process, as `evidence.forked_jvm_document` reads it. Raise NativeError where none is."""
    parts, failed = [], None
    for pid in pids:
        threads = processes.threads(pid)
        try:
            parts.append(f"# process {pid}, {len(threads)} threads, {_name(threads, pid)}\n{stacks(pid, give_up)}")
        except native.NativeError as error:
            failed = error
    if not parts:
        raise failed or native.NativeError("the process has ended")
    return "".join(parts)


def _name(threads: dict[int, str], pid: int) -> str:
    return " ".join(threads.get(pid, "").splitlines())


def _program(pid: int) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(f"/proc/{pid}/exe")
        return found.st_dev, found.st_ino
    return None


def _has_jvm(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
        return any(line.rstrip("\n").endswith(_LIBRARIES) for line in file)
    return False
