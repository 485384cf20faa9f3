"""Stressed tests: rounds share a child, a death costs a round, the report has the tally, the seed repeats."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import RunSuite

ROUNDS: Final = """
    import ctypes
    import os
    import pytest

    LOG = os.environ["STRESS_LOG"]

    def number():
        with open(LOG, "a") as log:
            log.write(f"{os.getpid()} ")
        with open(LOG) as log:
            return len(log.read().split())

    @pytest.fixture(scope="module")
    def wide():
        return []

    @pytest.fixture
    def narrow(tmp_path):
        return []

    @pytest.mark.foreign_thread(mode="native")
    def test_it(wide, narrow, record_property, request):
        now = number()
        record_property("round", now)
        assert len(request.node.user_properties) == 1
        wide.append(1)
        narrow.append(1)
        assert narrow == [1]
        if now == 4:
            assert wide == [1] * 4, wide
            ctypes.string_at(1)
        if now in (6, 7):
            assert wide == [1] * (now - 4), wide
            raise ValueError(now)
"""


def tally(path: Path) -> dict[str, Any]:
    (entry,) = json.loads(path.read_text())["tests"]
    found: dict[str, Any] = entry["stress"]
    return found


def test_a_death_costs_a_round(run_suite: RunSuite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, file = tmp_path / "log", tmp_path / "report.json"
    monkeypatch.setenv("STRESS_LOG", str(log))
    ran = run_suite(
        {"test_it.py": ROUNDS},
        "--foreign-thread-stress=9",
        "--foreign-thread-stress-seed=5",
        f"--foreign-thread-report={file}",
    )
    pids = log.read_text().split()
    assert len(pids) == 9
    assert len(set(pids)) == 2
    assert pids[3] != pids[4]
    found = tally(file)
    assert (found["seed"], found["rounds"], found["failed"]) == ("5", 9, 3)
    assert [(row["count"], row["outcome"], row["first_round"], row["seed"]) for row in found["rows"]] == [
        (2, "failed", 6, "5:6"),
        (1, "segfault", 4, "5:4"),
    ]
    assert ran.closing_line == "1 failed"
    assert "3 of 9 rounds failed (2 failed, 1 segfault): 33 %, 95 % interval 7.5–70 %" in ran.output
    assert "foreign-thread: 1 test runs in rounds of a shaken schedule, seed 5" in ran.output
    assert "--foreign-thread-stress=20 --foreign-thread-stress-seed=5:6" in ran.output


FINE: Final = """
    import os
    import pytest

    @pytest.mark.foreign_thread(mode="native", stress=3)
    def test_marked():
        pass

    @pytest.mark.foreign_thread(mode="native", stress=1000)
    def test_interrupted(request):
        with open("log", "a+") as log:
            log.write("x")
            log.flush()
            log.seek(0)
            if len(log.read()) == 5:
                os.kill({pid}, __import__("signal").SIGINT)
                __import__("time").sleep(60)
"""


def test_what_was_counted_is_kept_at_an_interruption(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    source = FINE.format(pid="int(os.environ['RUNNING'])")
    conftest = "import os\nos.environ['RUNNING'] = str(os.getpid())\n"
    ran = run_suite({"conftest.py": conftest, "test_it.py": source}, f"--foreign-thread-report={file}")
    assert "0 of 3 rounds failed: under 63 % with 95 % confidence" in ran.output
    assert "0 of 4 rounds failed: under 53 % with 95 % confidence; the run was interrupted" in ran.output
    assert "KeyboardInterrupt" in ran.output
    first, second = (entry["stress"] for entry in json.loads(file.read_text())["tests"])
    assert (first["rounds"], first["interrupted"], second["rounds"], second["interrupted"]) == (3, False, 4, True)


@pytest.mark.parametrize(
    "arguments",
    [("--foreign-thread-stress=0",), ("--foreign-thread-stress=9", "--pdb")],
    ids=" ".join,
)
def test_a_mistake_is_one_error_at_the_start(run_suite: RunSuite, arguments: tuple[str, ...]) -> None:
    ran = run_suite({"test_it.py": "def test_it(): pass"}, *arguments)
    errors = [line for line in ran.errors.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert re.match("ERROR: --foreign-thread-stress: expected ", errors[0])
    assert "Traceback" not in ran.output + ran.errors
