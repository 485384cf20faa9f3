"""What is wrong after a run: nothing may be left, and each test is to be told once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

_OF_PYTEST = "pytest-of-"
"""Where pytest keeps the temporary folders of its last runs."""


def wrong_entries(report: Path, expected: Iterable[str], *, whole: bool) -> Iterator[str]:
    """Yield what is wrong with the report's entries; `whole` is whether the run started all tests."""
    try:
        document = json.loads(report.read_text())
    except (OSError, ValueError) as error:
        yield f"no report: {error}"
        return
    times = Counter(entry["nodeid"] for entry in document["tests"])
    for nodeid in expected:
        if times[nodeid] > 1 or (whole and not times[nodeid]):
            yield f"{nodeid} has {times[nodeid]} entries"
    yield from (f"{nodeid} is no test of the run" for nodeid in times.keys() - set(expected))


def left_files(temporary: Path, folder: Path, pids: Iterable[int]) -> Iterator[str]:
    """Yield files that nobody has removed: temporary ones, and those that HotSpot names after a process."""
    yield from (str(path) for path in temporary.iterdir() if not path.name.startswith(_OF_PYTEST))
    yield from (str(path) for path in folder.glob("hs_err*"))
    for pid in pids:
        names = (f".java_pid{pid}", f".attach_pid{pid}", f"hs_err_pid{pid}.log")
        yield from (str(path) for name in names if (path := Path("/tmp") / name).exists())
