"""The OOM killer's counter, in folders like the kernel's, and in a real control group."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_foreignthread.model.observation import Signaled
from pytest_foreignthread.supervise.process.cgroup import oom_kills
from tests.supervise.real_children import PATIENCE

EVENTS = "low 0\nhigh 0\nmax 12\noom 4\noom_kill 3\noom_group_kill 1\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"
V1 = "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n"


@pytest.mark.parametrize(
    ("membership", "files", "kills"),
    [
        ("0::/a/b\n", {"a/b/memory.events": EVENTS}, 3),
        ("0::/\n", {"memory.events": EVENTS}, 3),
        ("0::/docker/1\n", {"memory.events": EVENTS}, 3),
        ("0::/../../a\n", {"memory.events": EVENTS}, 3),
        ("0::/a:b\n", {"a:b/memory.events": EVENTS}, 3),
        (V1, {"memory/a/b/memory.oom_control": CONTROL}, 5),
        (V1, {"memory/memory.oom_control": CONTROL}, 5),
        ("4:hugetlb,memory:/a\n", {"memory/a/memory.oom_control": CONTROL}, 5),
        ("4:memory:/a\n", {"memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\n"}, 0),
        ("0::/a\n", {"a/memory.events": "oom 4\noom_kill x\n"}, 0),
        ("0::/a\n", {"a/memory.events": ""}, 0),
        ("0::/a\n", {}, 0),
        ("4:cpu:/a\n", {"memory.events": EVENTS}, 0),
        ("", {"memory.events": EVENTS}, 0),
        ("nonsense\n::\n", {"memory.events": EVENTS}, 0),
    ],
)
def test_counter(tmp_path: Path, membership: str, files: dict[str, str], kills: int) -> None:
    root = tmp_path / "root"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "cgroup").write_text(membership)
    assert oom_kills(root, tmp_path / "cgroup") == kills


def test_no_groups_at_all(tmp_path: Path) -> None:
    assert oom_kills(tmp_path, tmp_path / "cgroup") == 0


PROGRAM = """
import pathlib, sys
(pathlib.Path(sys.argv[1]) / "cgroup.procs").write_text("0")
from tests.supervise.real_children import run
def fill(sender):
    kept = [b"x" * 2**20 for _ in range(1024)]
seen = run(fill)
print(seen.end, seen.oom_kills, run(lambda sender: None).oom_kills)
"""


def test_a_child_that_the_oom_killer_took(memory_group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    (memory_group / "memory.limit_in_bytes").write_text(str(100 * 2**20))
    command = [sys.executable, "-c", PROGRAM, str(memory_group)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == (f"{Signaled(int(signal.SIGKILL))} 1 0\n", "")
