"""Processes as the kernel shows them. On a POSIX system without Linux's calls the results are empty, never wrong."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

from .libc import libc

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PTRACER = 0x59616D61
# Loaded when this module is imported, before any fork. Another thread may hold the loader's lock at a fork, and nobody
# releases the child's copy of it.
_LIBC = libc()
_POLL = 0.005
_SETS = re.compile(rb"^(S\w\w(?:Pnd|Blk|Ign|Cgt)):\s*([0-9a-f]+)$", re.MULTILINE)
_SHORT = 4096
"""Bytes of the files of the kernel's that are read at once."""


@dataclass(frozen=True)
class ProcessStat:
    """The fields of /proc/PID/stat that are needed here."""

    pid: int
    state: str
    parent: int
    session: int
    threads: int

    @property
    def alive(self) -> bool:
        """Whether the process runs. If its main thread has left by pthread_exit(), it looks like a zombie but runs."""
        return self.state not in ("Z", "X") or self.threads > 1

    @property
    def stopped(self) -> bool:
        return self.state in ("T", "t")


def become_subreaper() -> None:
    """Make orphaned descendants children of this process from now on, whatever their process group or session."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Ask the kernel for SIGKILL to this process when the thread that forked it ends. A fork does not inherit this."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def go_on_with_parents_end() -> None:
    """Ask the kernel for SIGCONT to this process when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


def allow_tracer(pid: int) -> None:
    """Let a process and its descendants trace this one, although Yama allows only ancestors. No effect without Yama."""
    _prctl(_PR_SET_PTRACER, pid)


def _prctl(option: int, value: int) -> None:
    if prctl := getattr(_LIBC, "prctl", None):
        # All five arguments: prctl() is variadic, and the kernel would get what stands in the registers for the rest.
        prctl(ctypes.c_int(option), ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)


def open_pidfd(pid: int) -> int | None:
    """Return a descriptor that becomes readable when the process ends; None if the kernel gives none.

    A pid names another process once its own was reaped. A pidfd does not, and poll() can wait for it with a timeout.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def stat(pid: int) -> ProcessStat | None:
    """Return what the kernel shows of a process; None if there is no such process, or no /proc."""
    try:
        text = _read(f"/proc/{pid}/stat").decode("ascii", "replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may contain any byte, parentheses and spaces too.
    state, parent, _group, session, *rest = text[text.rindex(")") + 1 :].split()
    return ProcessStat(pid, state, int(parent), int(session), int(rest[13]))


def image(pid: int) -> tuple[str, ...] | None:
    """Return where the kernel placed the program of a process when the program started; None if it does not show that.

    A fork has the image of its parent.
    """
    try:
        text = _read(f"/proc/{pid}/stat").decode("ascii", "replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 1 :].split()
    # Of proc(5): startcode, endcode and startstack; start_data to env_end. They are 0 for a process that is not to be
    # traced, and for a zombie.
    found = (*fields[23:26], *fields[42:49])
    return found if set(found) != {"0"} else None


@contextlib.contextmanager
def opened(path: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a file for the block. A signal handler that raises at any step leaves no descriptor open."""
    descriptors: list[int] = []
    try:
        # One step of C opens the file and stores the descriptor: between two steps of Python a handler could raise, and
        # the descriptor would be lost.
        descriptors.extend(map(os.open, (path,), (flags | os.O_CLOEXEC,)))
        yield descriptors[0]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _read(path: str) -> bytes:
    """Return a short file of the kernel's whole: a file object of Python's takes seven system calls where three do."""
    with opened(path) as descriptor:
        return os.read(descriptor, _SHORT)


def children() -> list[int]:
    """Return the children of this process's main thread, the dead ones that nobody has reaped among them.

    The list is short, where a look at all processes of the machine takes milliseconds. Its kernel may be built without
    it: then all are looked at.
    """
    own = os.getpid()
    with contextlib.suppress(OSError):
        words = _read(f"/proc/{own}/task/{own}/children")
        # A longer list was cut.
        if len(words) < _SHORT:
            return [int(word) for word in words.split()]
    return [process.pid for process in all_processes() if process.parent == own]


def all_pids() -> set[int]:
    """Return the pids of all processes; the empty set if there is no /proc."""
    try:
        return {int(name) for name in os.listdir("/proc") if name.isdecimal()}
    except OSError:
        return set()


def all_processes() -> list[ProcessStat]:
    """Return all processes; the empty list if there is no /proc."""
    return [found for pid in all_pids() if (found := stat(pid))]


def descendants(pid: int) -> list[int]:
    """Return the pids of the living processes below `pid`, those below a zombie included."""
    children: dict[int, list[ProcessStat]] = {}
    for process in all_processes():
        children.setdefault(process.parent, []).append(process)
    # /proc is read process by process, so a process that forks meanwhile may be missed. Callers that kill look again.
    found, parents = [], [pid]
    while parents:
        below = children.get(parents.pop(), [])
        parents += [process.pid for process in below]
        found += [process.pid for process in below if process.alive]
    return found


def session_members(session: int) -> list[int]:
    return [process.pid for process in all_processes() if process.session == session and process.alive]


def kill(pid: int, number: int) -> bool:
    """Send a signal to a process; return whether that was possible."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def kill_group(group: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, number)


def threads(pid: int) -> dict[int, str]:
    """Return the threads of a process: kernel thread id → name, which Linux cuts to 15 bytes."""
    found = {}
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{name}/comm", "rb") as file:
                found[int(name)] = file.read().decode("utf-8", "replace").rstrip("\n")
    return found


def signal_sets(pid: int, tid: int) -> dict[str, int]:
    """Return the signals, as bits, of a thread: `SigPnd`, `ShdPnd`, `SigBlk`, `SigIgn`, `SigCgt`; {} if unknown."""
    with contextlib.suppress(OSError):
        return {name.decode(): int(bits, 16) for name, bits in _SETS.findall(_read(f"/proc/{pid}/task/{tid}/status"))}
    return {}


def caught_signals() -> list[int] | None:
    """Return the signals for which this process has a handler, of Python's or of C's; None if the kernel hides them."""
    try:
        words = _read("/proc/self/status")
    except OSError as error:
        # A signal handler may raise TimeoutError here, which is an OSError, too.
        if error.errno is None:
            raise
        return None
    for name, bits in _SETS.findall(words):
        if name == b"SigCgt":
            caught = int(bits, 16)
            return [number for number in range(1, caught.bit_length() + 1) if caught >> (number - 1) & 1]
    return None


def has_signal(pid: int, tid: int, field: str, number: int) -> bool:
    """Return whether a signal is in a thread's set `field`: `SigCgt`, `SigBlk`, `SigPnd`, ...; False if unknown."""
    return bool(signal_sets(pid, tid).get(field, 0) >> (number - 1) & 1)


def signal_thread(pid: int, tid: int, number: int) -> bool:
    """Send a signal to one thread of a process; return whether that was possible."""
    # glibc has tgkill() since 2.30; before that only the number of the system call reaches it.
    tgkill = getattr(_LIBC, "tgkill", None)
    if tgkill is not None:
        return bool(tgkill(pid, tid, number) == 0)
    numbers = {"x86_64": 234, "aarch64": 131}
    call = numbers.get(os.uname().machine)
    return call is not None and _LIBC.syscall(call, pid, tid, number) == 0


def wait_readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def wait_for_end(pid: int, seconds: float) -> None:
    """Wait until the process has ended, for `seconds` at most; without pidfds always wait for `seconds`."""
    fd = open_pidfd(pid)
    if fd is None:
        time.sleep(seconds)
        return
    try:
        wait_readable(fd, seconds)
    finally:
        os.close(fd)


def reap(pid: int, seconds: float) -> bool:
    """Wait for a child of this process and reap it; return False if the child still lives after `seconds`."""
    give_up = time.monotonic() + seconds
    # waitpid() has no timeout: wait for the pidfd, or poll without one.
    fd = open_pidfd(pid)
    try:
        if fd is not None:
            wait_readable(fd, seconds)
        while True:
            # ChildProcessError: somebody else's waitpid(-1) has reaped it, or SIGCHLD is ignored. The child is gone.
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    if time.monotonic() >= give_up:
                        return False
                    time.sleep(_POLL)
                    continue
            return True
    finally:
        if fd is not None:
            os.close(fd)
