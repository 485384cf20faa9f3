"""The limits of kernel and file system: tracing, core files, memory, the directory of HotSpot's attach socket."""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..supervise.process.cgroup import memory_limit
from .findings import Finding, megabytes

SECTION: Final = "machine"
NARROW: Final = 2**30
"""Bytes. A smaller limit is a note: a JVM takes a quarter of it for its heap, and several children may live at once."""

_CAP_SYS_PTRACE: Final = 19
_TRACING: Final = (
    ("0", "any process of this user may trace a child"),
    ("1", "a child's ancestors may trace it"),
    ("2", "only who has CAP_SYS_PTRACE may trace"),
    ("3", "nobody may trace"),
)
_UNTRACED: Final = (
    "set it to 0 or 1, or grant CAP_SYS_PTRACE (in a container: --cap-add=SYS_PTRACE), for C frames and the holder of "
    "the GIL; or foreign_thread_native=off"
)


def examine(root: Path = Path("/")) -> Iterator[Finding]:
    """Yield the findings on the machine; `root` is the directory that has `proc`, `sys` and `tmp`."""
    status = _text(root / "proc/self/status") or ""
    yield ptrace_scope(_text(root / "proc/sys/kernel/yama/ptrace_scope"), status)
    yield Finding(SECTION, "seccomp", "ok", _seccomp(status))
    yield core_limit(resource.getrlimit(resource.RLIMIT_CORE), _text(root / "proc/sys/kernel/core_pattern"))
    yield memory(memory_limit(root / "sys/fs/cgroup", root / "proc/self/cgroup"))
    yield attach_folder(root / "tmp")


def ptrace_scope(value: str | None, status: str) -> Finding:
    """Return the finding on tracing.

    `value` is the content of Yama's file, None if there is no such file; `status` is that of /proc/self/status.
    """
    if value is None:
        return Finding(SECTION, "ptrace_scope", "ok", "no Yama: the kernel's own rules")
    words = dict(_TRACING).get(value, "an unknown value")
    if value == "2" and _may_trace(status):
        words = f"{words}, and this process has it"
    elif value not in ("0", "1"):
        return Finding(SECTION, "ptrace_scope", "note", f"{value}: {words}", _UNTRACED)
    return Finding(SECTION, "ptrace_scope", "ok", f"{value}: {words}")


def _may_trace(status: str) -> bool:
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> _CAP_SYS_PTRACE & 1)


def _seccomp(status: str) -> str:
    found = re.search(r"^Seccomp:\s*(\d+)$", status, re.MULTILINE)
    kinds = {"0": "off", "1": "strict", "2": "a filter is in force"}
    return kinds.get(found[1], found[1]) if found else "not known"


def core_limit(limits: tuple[int, int], pattern: str | None) -> Finding:
    soft, hard = ("unlimited" if one == resource.RLIM_INFINITY else str(one) for one in limits)
    where = f"; core_pattern {pattern}" if pattern else ""
    return Finding(SECTION, "core limit", "ok", f"soft {soft}, hard {hard}, in a child 0{where}")


def memory(limit: int | None) -> Finding:
    if limit is None:
        return Finding(SECTION, "memory limit", "ok", "none by a control group")
    value = f"{megabytes(limit)} by the control group"
    if limit >= NARROW:
        return Finding(SECTION, "memory limit", "ok", value)
    help = (
        "give more, or let the children take less: a heap limit in foreign_thread_jvm_args (-Xmx64m) and "
        "foreign_thread_ready=0"
    )
    return Finding(SECTION, "memory limit", "note", value, help)


def attach_folder(folder: Path) -> Finding:
    """Return the finding on the directory of HotSpot's attach socket, which is /tmp: HotSpot ignores TMPDIR."""
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding(SECTION, "attach directory", "ok", f"{folder} can be written to")
    help = "let this user write to it: HotSpot opens its attach socket there, and a hang has no Java stacks without"
    return Finding(SECTION, "attach directory", "problem", f"{folder} cannot be written to", help)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
