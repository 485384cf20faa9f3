"""The suites that are run, written into a directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PER_MODULE: Final = 300

SAMPLER: Final = '''
"""A line for the first item and for each hundredth: what the pytest process holds after it."""

import json
import os
import time
from pathlib import Path

DONE = []
LINES = open("samples.jsonl", "w", encoding="utf-8")


def pytest_runtest_logfinish(nodeid):
    DONE.append(None)
    if len(DONE) % int(os.environ["BENCHMARK_EVERY"]) == 0 or len(DONE) == 1:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        sample = {
            "items": len(DONE),
            "seconds": time.perf_counter(),
            "kilobytes": pages * os.sysconf("SC_PAGE_SIZE") / 1024,
            "descriptors": len(os.listdir("/proc/self/fd")),
            "children": len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        }
        LINES.write(json.dumps(sample) + "\\n")
        LINES.flush()
'''

REPORT_TIMES: Final = '''
"""A line for each verdict: the time at which it was known in the pytest process."""

import json
import time

LINES = open("verdicts.jsonl", "w", encoding="utf-8")


def pytest_runtest_logreport(report):
    if report.failed:
        LINES.write(json.dumps({"test": report.nodeid.rpartition("::")[2], "seconds": time.monotonic()}) + "\\n")
        LINES.flush()
'''

BREAKING: Final = """
import ctypes
import threading
import time
from pathlib import Path

import pytest


@pytest.mark.foreign_thread(mode="new")
@pytest.mark.parametrize("number", range({tests}))
def test_it(number, request):
    Path(request.node.name).write_text(repr(time.monotonic()))
    {body}
"""


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files, and an empty configuration, so that no other one is found further up."""
    for name, source in {"pytest.ini": "[pytest]\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source.lstrip(), encoding="utf-8")
    return folder


def trivial(
    folder: Path, tests: int, *, head: str = "", body: str = "pass", parameters: str = "", conftest: str = ""
) -> Path:
    """Write functions without fixtures, some hundreds in a module."""
    files = {"conftest.py": conftest} if conftest else {}
    for first in range(0, tests, _PER_MODULE):
        numbers = range(first, min(first + _PER_MODULE, tests))
        functions = "".join(f"\n\ndef test_{number}({parameters}):\n    {body}\n" for number in numbers)
        files[f"test_{first:05}.py"] = head + functions
    return written(folder, files)


def marker(mode: str) -> str:
    return f'import pytest\n\npytestmark = pytest.mark.foreign_thread(mode="{mode}")\n'
