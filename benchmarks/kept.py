"""The last kept run of this machine, and which figures have got worse since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .figures import Row, shown

_TOLERATED: Final = 0.1
"""The part of a figure by which runs of one machine differ."""


def last_kept(folder: Path, machine: str, sizes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the newest document that is of this machine, with suites of these sizes; None if there is none."""
    found = [(path.stat().st_mtime, document) for path in folder.glob("*.json") if (document := _read(path))]
    alike = [one for one in found if one[1]["around"]["machine"] == machine and one[1]["sizes"] == sizes]
    return max(alike, key=lambda one: one[0])[1] if alike else None


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(document, dict) and {"around", "sizes", "rows"} <= document.keys()
    return document if is_ours else None


def worse(rows: Sequence[Row], kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each figure that is more than a tenth above the kept figure of the same name.

    Less is better in each benchmark.
    """
    before = {row["benchmark"]: row["figure"] for row in kept["rows"]}
    for row in rows:
        if row.name in before and row.figure > before[row.name] + _TOLERATED * abs(before[row.name]):
            when = f"{kept['around']['date']}, {kept['around']['commit']}"
            yield f"worse: {row.name}: {shown(before[row.name])} ({when}) → {shown(row.figure)}"
