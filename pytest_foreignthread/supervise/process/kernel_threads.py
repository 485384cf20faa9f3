"""The threads of a process as the kernel shows them, in the text that `evidence.os_threads` reads."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_HEAD = "# kernel thread id, state, CPU seconds, system call as in proc(5), name\n"


class ThreadsError(Exception):
    """The threads cannot be listed; the text says why."""


def kernel_threads(pid: int) -> str:
    """Return one line for each thread, below a line with the headings; raise ThreadsError if no thread is shown."""
    folder = Path(f"/proc/{pid}/task")
    lines = []
    with contextlib.suppress(OSError):
        for task in sorted(folder.iterdir(), key=lambda path: int(path.name)):
            # A thread may end while it is looked at.
            with contextlib.suppress(OSError):
                lines.append(_line(task))
    if not lines:
        raise ThreadsError("the kernel shows no thread of the child")
    return _HEAD + "".join(lines)


def _line(task: Path) -> str:
    name, _, rest = (task / "stat").read_bytes().decode("utf-8", "replace").partition(" (")[2].rpartition(") ")
    # The fields behind the name: utime and stime are fields 14 and 15 of proc(5), counted from 1 with pid and name.
    state, *numbers = rest.split()
    seconds = (int(numbers[10]) + int(numbers[11])) / os.sysconf("SC_CLK_TCK")
    return "\t".join([task.name, state, f"{seconds:.2f}", _system_call(task), " ".join(name.splitlines())]) + "\n"


def _system_call(task: Path) -> str:
    """Return the system call that the thread waits in, as proc(5) shows it.

    Empty if this process may not trace the thread, or if the kernel was built without CONFIG_HAVE_ARCH_TRACEHOOK.
    """
    with contextlib.suppress(OSError):
        return (task / "syscall").read_text(encoding="ascii").strip()
    return ""
