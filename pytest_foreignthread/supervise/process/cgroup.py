"""What the control group of this process says of memory: its limit, and what the kernel killed for lack of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_COUNTER = re.compile(r"^oom_kill ([0-9]{1,18})$", re.MULTILINE)
# Where there is no limit v1 tells the greatest number of pages, in bytes.
_NO_LIMIT = 2**62


def oom_kills(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Processes of this group killed so far by the kernel's OOM killer; 0 where that is not told.

    cgroup v2 counts in `memory.events`, those of the groups below as well, v1 in `memory.oom_control`.
    """
    for group in _groups(root, membership):
        name = "memory.events" if group.unified else "memory.oom_control"
        # Likeliest first: a container often sees its own group as the root.
        for folder in (group.folder, group.top):
            with contextlib.suppress(OSError):
                if found := _COUNTER.search((folder / name).read_text(encoding="ascii", errors="replace")):
                    return int(found[1])
    return 0


def memory_limit(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int | None:
    """Bytes that this process may take together with its group: the least of the limits from the group up to the top.

    None where no limit is told. It stands in `memory.max` in cgroup v2, in `memory.limit_in_bytes` in v1.
    """
    limits: list[int] = []
    for group in _groups(root, membership):
        name = "memory.max" if group.unified else "memory.limit_in_bytes"
        for folder in (*group.up_to_top(), group.top):
            with contextlib.suppress(OSError, ValueError):
                limits.append(int((folder / name).read_text(encoding="ascii", errors="replace")))
    return min((limit for limit in limits if limit < _NO_LIMIT), default=None)


@dataclass(frozen=True)
class _Group:
    """`unified` is cgroup v2's; `top` is where its hierarchy is mounted."""

    top: Path
    folder: Path
    unified: bool

    def up_to_top(self) -> Iterator[Path]:
        yield self.folder
        yield from (above for above in self.folder.parents if self.top in above.parents)


def _groups(root: Path, membership: Path) -> Iterator[_Group]:
    """Yield the groups of this process that may know of memory."""
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        unified = number == "0"
        if unified or "memory" in controllers.split(","):
            top = root if unified else root / "memory"
            yield _Group(top, top / path.lstrip("/"), unified)
