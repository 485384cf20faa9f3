"""A mark on each process that a child starts, by which the process is found wherever it went.

The mark serves when the keeper was killed: a daemon of the test then has init as its parent and a session of its own,
and nothing else connects it with the child.

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
"""RLIMIT_LOCKS, the same number on each architecture of Linux; Python has no name for it."""
_BITS: Final = 62
"""Random bits of a mark. A limit has 64 bits, and the highest numbers mean that there is no limit."""


def new_mark() -> int:
    # Bit 62 is always set: so the number has 19 digits, and is none that a user sets as a limit.
    return secrets.randbits(_BITS) | 1 << _BITS


def bear(mark: int) -> None:
    """Mark this process, and so all processes that it will start.

    Does nothing on another system than Linux, or if the hard limit is lower than the mark.
    """
    if os.path.exists("/proc/self/limits"):
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(_LOCKS)
            resource.setrlimit(_LOCKS, (mark, hard))


def kill_marked(mark: int, spared: int) -> bool:
    """Kill the processes with a mark except `spared`; return whether none lived and none can have been missed.

    A process that ended while it was looked at may have forked another one, which this look did not see. The newest
    processes come first, and each is killed as soon as its mark is read: a chain of processes that fork and end would
    otherwise move on faster than one look at all processes takes.
    """
    words, none_lived = str(mark).encode(), True
    for pid in sorted(processes.all_pids() - {spared}, reverse=True):
        limits = _limits(pid)
        if limits is None:
            none_lived = False
        elif words in limits.split():
            # Kill before stat(): a process that forks and ends, again and again, would be gone after it.
            processes.kill(pid, signal.SIGKILL)
            process = processes.stat(pid)
            # A zombie keeps its mark until it is reaped. It must not count as alive, or this would never return True.
            none_lived = none_lived and process is not None and not process.alive
    return none_lived


def _limits(pid: int) -> bytes | None:
    """Return the limits of a process; None if it has ended, and b"" if they may not be read: it is another user's."""
    try:
        with open(f"/proc/{pid}/limits", "rb") as file:
            return file.read()
    except PermissionError:
        return b""
    except OSError:
        return None
