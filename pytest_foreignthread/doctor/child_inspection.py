"""Looks at a living child from outside: Java's stacks, native stacks, and the memory that it has taken."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..supervise.probes import attach, native
from ..supervise.probes.probe import CRASH_BUDGET
from .findings import Finding, megabytes, milliseconds

SECTION: Final = "trial"
_AGAIN: Final = "run the doctor again"
_PATIENCE: Final = 5.0
"""Seconds for each look."""


def look_at(pid: int, native_choice: str) -> Iterator[Finding]:
    yield _attach_socket(pid)
    yield _pystack(pid, native_choice)
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        yield Finding(SECTION, "memory of a child", "note", f"the child ended before it could be read: {error}", _AGAIN)
        return
    if found := re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE):
        yield Finding(SECTION, "memory of a child", "ok", megabytes(int(found[1]) * 1024))


def _attach_socket(pid: int) -> Finding:
    began = time.monotonic()
    try:
        attach.ask(pid, began + _PATIENCE, "threaddump")
    except attach.AttachError as error:
        reason, _, help = str(error).partition(": leave out ")
        advice = f"leave out {help}" if help else "let the JVM be attached to: a hang has no Java stacks without"
        return Finding(SECTION, "attach socket", "problem", reason, advice)
    return Finding(SECTION, "attach socket", "ok", f"answered in {milliseconds(time.monotonic() - began)}")


def pystack_by_itself(choice: str) -> Finding:
    """Return the finding on pystack without a look at a child: whether it is installed."""
    if choice == native.OFF:
        return Finding(SECTION, "pystack", "ok", "not used: foreign_thread_native is off")
    if (none := native.why_none(choice)) is None:
        return Finding(SECTION, "pystack", "ok", "is installed")
    reason, _, help = none.partition(": ")
    return Finding(SECTION, "pystack", "note", reason, help)


def _pystack(pid: int, choice: str) -> Finding:
    if not native.is_wanted(choice):
        return pystack_by_itself(choice)
    began = time.monotonic()
    try:
        native.native_stacks(pid, began + CRASH_BUDGET, choice)
    except native.NativeError as error:
        reason, _, help = str(error).partition(": ")
        return Finding(SECTION, "pystack", "note", reason, help or "run pystack remote on a process of yours by hand")
    return Finding(SECTION, "pystack", "ok", f"looked at the child in {milliseconds(time.monotonic() - began)}")
