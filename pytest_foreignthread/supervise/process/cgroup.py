"""The memory of this process's control group: its limit, and how many processes the kernel's OOM killer has killed."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_COUNTER = re.compile(r"^oom_kill ([0-9]{1,18})$", re.MULTILINE)
# cgroup v1 has no word for "no limit": it shows the greatest number of whole pages, in bytes, just below 2**63.
_NO_LIMIT = 2**62


def oom_kills(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return how many processes of this group the OOM killer has killed so far; 0 if the kernel shows no count.

    cgroup v2 shows the count in `memory.events` and includes the groups below, v1 shows it in `memory.oom_control`.
    """
    for group in _groups(root, membership):
        name = "memory.events" if group.unified else "memory.oom_control"
        # The top as well: in a container the path in /proc/self/cgroup may be the host's, while the container's own
        # group is mounted as the root.
        for folder in (group.folder, group.top):
            with contextlib.suppress(OSError):
                if found := _COUNTER.search((folder / name).read_text(encoding="ascii", errors="replace")):
                    return int(found[1])
    return 0


def memory_limit(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int | None:
    """Return the bytes that the processes of this group may take together; None if the kernel shows no limit.

    A group is bound by the limits of all groups above it, so this is the lowest of them. cgroup v2 has the limit in
    `memory.max`, v1 in `memory.limit_in_bytes`.
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
    """A control group: its directory, and the directory `top` where its hierarchy is mounted.

    `unified` says whether the hierarchy is that of cgroup v2.
    """

    top: Path
    folder: Path
    unified: bool

    def up_to_top(self) -> Iterator[Path]:
        yield self.folder
        yield from (above for above in self.folder.parents if self.top in above.parents)


def _groups(root: Path, membership: Path) -> Iterator[_Group]:
    """Yield the groups of this process that may count memory."""
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
