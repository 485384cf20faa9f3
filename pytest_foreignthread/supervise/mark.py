"""A mark on each process that a child starts, by which the process is found wherever it went.

The mark is the soft limit RLIMIT_LOCKS, which Linux has ignored since 2.4 and still shows in /proc/PID/limits. Unlike
an environment variable or a descriptor it reaches a process that is only forked, and stays through exec, setsid, the
death of all ancestors, a cleared environment and closed descriptors.
"""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import signal
from typing import Final

from .process import processes

_LOCKS: Final = 10
"""The same number on each architecture of Linux; Python has no name for it."""
_BITS: Final = 62
"""The kernel takes 64, of which the highest numbers mean that there is no limit."""


def new_mark() -> int:
    return secrets.randbits(_BITS) | 1 << _BITS


def bear(mark: int) -> None:
    """Mark this process and all that it will start. Without Linux, or with a lower hard limit, there is no mark."""
    if os.path.exists("/proc/self/limits"):
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(_LOCKS)
            resource.setrlimit(_LOCKS, (mark, hard))


def kill_marked(mark: int, spared: int) -> bool:
    """Kill the processes of a mark; whether none lived, and none can have been overlooked.

    One that ended while it was looked at may have forked another unseen. The newest come first, each to be killed as
    soon as it is known: a process may live for less time than a look at all takes.
    """
    words, none_lived = str(mark).encode(), True
    for pid in sorted(processes.all_pids() - {spared}, reverse=True):
        limits = _limits(pid)
        if limits is None:
            none_lived = False
        elif words in limits.split():
            # Before all else: one that forks and ends, again and again, would else be gone by now.
            processes.kill(pid, signal.SIGKILL)
            process = processes.stat(pid)
            # A dead one bears the mark until it is reaped.
            none_lived = none_lived and process is not None and not process.alive
    return none_lived


def _limits(pid: int) -> bytes | None:
    """None of a process that has ended meanwhile."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            return file.read()
    except PermissionError:
        return b""
    except OSError:
        return None
