"""What the chaos driver takes for a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_foreignthread.supervise.process.processes import ProcessStat
from tests.chaos.checks import left_files, wrong_entries
from tests.chaos.processes_of_run import by_role


def report(folder: Path, *nodeids: str) -> Path:
    path = folder / "report.json"
    path.write_text(json.dumps({"tests": [{"nodeid": nodeid} for nodeid in nodeids]}))
    return path


@pytest.mark.parametrize(
    ("told", "whole", "wrong"),
    [
        (["a", "b"], True, []),
        (["a"], True, ["b has 0 entries"]),
        (["a"], False, []),
        (["a", "b", "b"], False, ["b has 2 entries"]),
        (["a", "b", "c"], True, ["c is no test of the run"]),
    ],
)
def test_entries(tmp_path: Path, told: list[str], whole: bool, wrong: list[str]) -> None:
    assert list(wrong_entries(report(tmp_path, *told), ["a", "b"], whole=whole)) == wrong


def test_report_that_is_missing(tmp_path: Path) -> None:
    (complaint,) = wrong_entries(tmp_path / "report.json", ["a"], whole=True)
    assert complaint.startswith("no report: ")


def test_files(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    for name in ("pytest-of-me", "pytest-foreignthread-0"):
        (temporary / name).mkdir(parents=True)
    (tmp_path / "hs_err_pid7.log").touch()
    left = list(left_files(temporary, tmp_path, pids=[]))
    assert left == [str(temporary / "pytest-foreignthread-0"), str(tmp_path / "hs_err_pid7.log")]


def test_roles() -> None:
    roles = {
        "pytest": [(1, 0, 1)],
        "worker": [(2, 1, 1)],
        "keeper": [(3, 1, 3), (4, 2, 4)],
        "child": [(5, 3, 3), (6, 4, 4)],
        # One below a child, one that its keeper has taken in, one whose keeper has gone.
        "grandchild": [(7, 5, 7), (8, 4, 8), (9, 0, 9)],
    }
    living = {
        pid: ProcessStat(pid, "S", parent, session, 1) for found in roles.values() for pid, parent, session in found
    }
    found = by_role(living, pytest=1, workers={2, 4, 6})
    assert found == {role: [pid for pid, _, _ in processes] for role, processes in roles.items()}
