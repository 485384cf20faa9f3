"""`--dist each` of pytest-xdist: each worker runs all tests, and its share of their rounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite

SUITE: Final = """
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="native", stress=5)

    def test_fails(): assert 0
    def test_holds(): pass
"""


@pytest.mark.parametrize(
    ("dist", "firsts", "rounds"), [("each", [1, 2], [3, 2]), ("load", [1], [5])], ids=["each", "load"]
)
def test_the_workers_share_the_rounds_of_a_test(
    run_suite: RunSuite, tmp_path: Path, dist: str, firsts: list[int], rounds: list[int]
) -> None:
    file = tmp_path / "report.json"
    options = ("--foreign-thread-stress-seed=7", "--foreign-thread-stress-shrink=0", f"--foreign-thread-report={file}")
    ran = run_suite(SUITE, "-n2", f"--dist={dist}", *options)
    reported = sorted(line.partition(": ")[2] for line in ran.output.splitlines() if line.startswith("test_it.py::"))
    assert [line.partition(":")[0] for line in reported] == ["0 of 5 rounds failed", "5 of 5 rounds failed (5 failed)"]
    entries = json.loads(file.read_text(encoding="utf-8"))["tests"]
    tallies = [entry["stress"] for entry in entries if entry["test"].endswith("fails")]
    found = sorted((tally["rows"][0]["first_round"], tally["rounds"], tally["rows"][0]["seed"]) for tally in tallies)
    assert found == [(first, number, f"7:{first}") for first, number in zip(firsts, rounds, strict=True)]
