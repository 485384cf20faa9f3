"""What the kernel killed for lack of memory, by the counter of this process's control group."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_COUNTER = re.compile(r"^oom_kill ([0-9]{1,18})$", re.MULTILINE)


def oom_kills(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Processes of this group killed so far by the kernel's OOM killer; 0 where that is not told.

    cgroup v2 counts in `memory.events`, those of the groups below as well, v1 in `memory.oom_control`.
    """
    for file in _files(root, membership):
        with contextlib.suppress(OSError):
            if found := _COUNTER.search(file.read_text(encoding="ascii", errors="replace")):
                return int(found[1])
    return 0


def _files(root: Path, membership: Path) -> Iterator[Path]:
    """Where the counter may be, likeliest first: a container often sees its own group as the root."""
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if "memory" in controllers.split(","):
            top, name = root / "memory", "memory.oom_control"
        elif number == "0":
            top, name = root, "memory.events"
        else:
            continue
        yield top / path.lstrip("/") / name
        yield top / name
