"""Processes that a child has forked and that run on as copies of it: each has one thread, and locks as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..process import processes
from ..process.kernel_threads import ThreadsError, kernel_threads
from . import native

_MOST: Final = 8
"""Processes that are looked at: as many as the workers of a small pool, of which one may be stuck."""

Stacks = Callable[[int, float], str]
"""Returns pystack's text of a process, at most until a time on the monotonic clock. Raises NativeError."""


def forks_of(pid: int) -> list[int]:
    """Return the descendants that are forks of the process, and have started no program of their own, `_MOST` at most.

    A program that starts has its stack, its arguments and its environment at other addresses, even if it is the same
    program, unless the addresses are not randomized.
    """
    image = processes.image(pid)
    if image is None:
        return []
    return [one for one in processes.descendants(pid) if processes.image(one) == image][:_MOST]


def stacks_of(pids: list[int], give_up: float, stacks: Stacks) -> str:
    """Return a part for each process, as `evidence.forks_document` reads it. Raise NativeError where none is."""
    parts: list[str] = []
    failed: Exception | None = None
    for pid in pids:
        shown = processes.stat(pid)
        try:
            head = f"# process {pid} of {shown.parent if shown else 0}\n"
            parts.append(head + kernel_threads(pid) + stacks(pid, give_up))
        except (native.NativeError, ThreadsError) as error:
            failed = error
    if not parts:
        raise failed or native.NativeError("the process has ended")
    return "".join(parts)
