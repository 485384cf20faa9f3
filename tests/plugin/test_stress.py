"""Stressed tests: rounds share a child, a death costs a round, the report has the tally, the seed repeats."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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
        "--foreign-thread-stress-shrink=0",
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


@pytest.mark.parametrize("breaks", [False, True])
def test_what_a_worker_has_counted_is_kept_at_an_interruption(
    run_suite: RunSuite, tmp_path: Path, breaks: bool
) -> None:
    """A ^C ends xdist's controller, and the controller kills its workers."""
    file = tmp_path / "report.json"
    source = FINE.format(pid="int(os.environ['RUNNING'])").rstrip() + f"\n        assert not {breaks}\n"
    conftest = "import os\nos.environ.setdefault('RUNNING', str(os.getpid()))\n"
    ran = run_suite(
        {"conftest.py": conftest, "test_it.py": source}, "-n1", "-k", "interrupted", f"--foreign-thread-report={file}"
    )
    assert "KeyboardInterrupt" in ran.output
    (entry,) = json.loads(file.read_text())["tests"]
    found = entry["stress"]
    assert (found["rounds"] >= 1, found["interrupted"]) == (True, True)
    assert "; the run was interrupted" in found["verdict"]
    assert (entry["outcome"], found["failed"]) == (("failed", found["rounds"]) if breaks else ("passed", 0))
    assert found["verdict"] in ran.output


SHAKEN: Final = """
    import os, signal, sys
    import pytest

    def shaken():
        return sys.getswitchinterval() < 5e-3

    @pytest.mark.foreign_thread(mode="native")
    def test_asserts():
        assert not shaken()

    @pytest.mark.foreign_thread(mode="native")
    def test_dies():
        if shaken():
            os.kill(os.getpid(), signal.SIGKILL)

    @pytest.mark.xfail
    @pytest.mark.foreign_thread(mode="native")
    def test_expected():
        assert not shaken()

    @pytest.mark.foreign_thread(mode="native")
    def test_slow(request):
        if not os.path.exists("seen"):
            open("seen", "w").close()
            request.addfinalizer(lambda: __import__("time").sleep(1.1))
            raise ValueError
"""


def test_a_failure_is_shrunk_to_what_it_needs(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = ("--foreign-thread-stress-shrink=600", f"--foreign-thread-report={file}")
    source = {"test_it.py": SHAKEN}
    ran = run_suite(source, "--foreign-thread-stress=12", "--foreign-thread-stress-seed=5", "-k", "not slow", *options)
    found = {entry["nodeid"].rpartition("::")[2]: entry["stress"] for entry in json.loads(file.read_text())["tests"]}
    assert found["test_expected"]["failed"] > 0
    assert found["test_expected"]["shrunk"] is None
    for name in ("test_asserts", "test_dies"):
        shrunk = found[name]["shrunk"]
        assert re.fullmatch(r"5:\d+:switch", shrunk["seed"])
        assert shrunk["complete"]
        assert shrunk["fresh"] == {"failed": 20, "rounds": 20}
        assert [(one["failed"], one["rounds"]) for one in shrunk["without"]] == [(0, 20)]
        assert shrunk["rerun"][1:] == ["--foreign-thread-stress=20", f"--foreign-thread-stress-seed={shrunk['seed']}"]
        assert f"{shrunk['verdict']}\n  without switch interval" in ran.output
    # A line of the summary has the verdict, and the rows stand in the failure only.
    assert ran.output.count("first in round") == 2
    again = run_suite(source, *found["test_asserts"]["shrunk"]["rerun"], *options)
    assert "20 of 20 rounds failed (20 failed): over 86 % with 95 % confidence" in again.output
    assert tally(file)["shrunk"] is None


def test_a_failure_that_takes_longer_than_the_search_is_not_shrunk(run_suite: RunSuite) -> None:
    options = ("--foreign-thread-stress=2", "--foreign-thread-stress-shrink=1")
    ran = run_suite({"test_it.py": SHAKEN}, "-k", "slow", *options)
    assert re.search(
        r"not shrunk: a round that fails takes \d+\.\d s, and foreign_thread_stress_shrink is 1 s", ran.output
    )
    assert ran.closing_line == "1 failed, 3 deselected"


MARKED: Final = """
    import itertools
    import pytest
    pytestmark = pytest.mark.foreign_thread(mode="native", stress=6)
    rounds = itertools.count(1)

    @pytest.mark.xfail(strict=True)
    def test_expected_seldom():
        assert next(rounds) != 2

    @pytest.mark.xfail(strict=True)
    def test_never_as_expected():
        pass

    @pytest.mark.xfail(raises=ValueError)
    def test_fails_otherwise_once():
        raise KeyError if next(rounds) == 2 else ValueError

    def test_skips():
        pytest.skip()

    def test_skips_late():
        if next(rounds) == 4:
            pytest.skip()

    def test_fails_and_skips_late():
        number = next(rounds)
        if number == 4:
            pytest.skip()
        assert number != 2
"""


def test_marks_and_skips_are_of_all_rounds(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    ran = run_suite({"test_it.py": MARKED}, "--foreign-thread-stress-shrink=0", f"--foreign-thread-report={file}")
    entries = json.loads(file.read_text())["tests"]
    found = {entry["nodeid"].rpartition("::")[2]: (entry["outcome"], entry["stress"]) for entry in entries}
    assert {name: (one, stress and stress["outcomes"]) for name, (one, stress) in found.items()} == {
        "test_expected_seldom": ("xfailed", {"xpassed": 5, "xfailed": 1}),
        "test_never_as_expected": ("failed", {"xpassed": 6}),
        "test_fails_otherwise_once": ("failed", {"xfailed": 5, "failed": 1}),
        "test_skips": ("skipped", None),
        "test_skips_late": ("passed", {"passed": 3}),
        "test_fails_and_skips_late": ("failed", {"passed": 2, "failed": 1}),
    }
    late = [found[name][1]["verdict"] for name in ("test_skips_late", "test_fails_and_skips_late")]
    assert all(verdict.endswith("; round 4 was skipped, and no other followed") for verdict in late), late
    assert ran.closing_line == "3 failed, 1 passed, 1 skipped, 1 xfailed"


SUBTESTS: Final = """
    import itertools
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="native", stress=6)

    @pytest.fixture(scope="module")
    def rounds():
        return itertools.count(1)

    def test_one_subtest_fails_once(rounds, subtests):
        now = next(rounds)
        with subtests.test():
            assert now != 2

    class TestClass:
        def test_another_subtest_fails_each_time(self, rounds, subtests):
            now = next(rounds)
            for number in (2, 4):
                with subtests.test(number=number):
                    assert now != number
"""


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest has subtests since version 9")
def test_a_failed_subtest_fails_its_own_round_only(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    run_suite({"test_it.py": SUBTESTS}, "--foreign-thread-stress-shrink=0", f"--foreign-thread-report={file}")
    outcomes = [entry["stress"]["outcomes"] for entry in json.loads(file.read_text())["tests"]]
    assert outcomes == [{"passed": 5, "failed": 1}, {"passed": 4, "failed": 2}]


@pytest.mark.parametrize("ends", ["raise KeyboardInterrupt", "pytest.exit('enough')"])
def test_a_round_that_ends_the_run_keeps_earlier_failures(run_suite: RunSuite, ends: str) -> None:
    ran = run_suite(
        f"""
        import itertools
        import pytest

        @pytest.fixture(scope="module")
        def rounds():
            return itertools.count(1)

        @pytest.mark.foreign_thread(mode="native", stress=6)
        def test_it(rounds):
            now = next(rounds)
            assert now != 2
            if now == 4:
                {ends}
        """
    )
    assert "1 of 3 rounds failed (1 failed)" in ran.output
    assert "the run was interrupted" in ran.output
    assert ran.closing_line == "1 failed"


THREADS: Final = """
    import pytest

    @pytest.mark.foreign_thread(mode="native", stress=3, stress_threads=8)
    def test_it(foreign_thread):
        assert foreign_thread.threads < 3
"""


def test_threads_are_shrunk_too(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = (f"--foreign-thread-report={file}", "--foreign-thread-stress-shrink=600")
    run_suite({"test_it.py": THREADS}, "--foreign-thread-stress-seed=5", *options)
    shrunk = tally(file)["shrunk"]
    assert (shrunk["seed"], shrunk["schedule"]) == ("5:1:threads/2", "4 threads at once")
    assert shrunk["fresh"] == {"failed": 20, "rounds": 20}
    assert [(one["part"], one["failed"]) for one in shrunk["without"]] == [("4 threads at once", 0)]
    assert shrunk["rerun"][-1] == "--foreign-thread-stress-threads=8"
    again = run_suite({"test_it.py": THREADS}, *shrunk["rerun"], *options)
    assert "rounds failed" in again.output
    assert tally(file)["failed"] == tally(file)["rounds"]


INTERRUPTED: Final = """
    import os, signal, time
    import pytest

    @pytest.mark.foreign_thread(mode="native")
    def test_it():
        with open("log", "a+") as log:
            log.write("x")
            log.flush()
            log.seek(0)
            if len(log.read()) == 9:
                os.kill(int(os.environ["RUNNING"]), signal.SIGINT)
                time.sleep(600)
        raise ValueError
"""


LINE_END: Final = """
    import pytest

    @pytest.mark.foreign_thread(mode="native", stress=2)
    @pytest.mark.parametrize("text", ["first\\nit's second"])
    def test_it(text):
        raise ValueError
"""


def test_a_command_is_one_line_that_works_in_a_shell(run_suite: RunSuite, tmp_path: Path) -> None:
    conftest = "def pytest_make_parametrize_id(val):\n    return val\n"
    ran = run_suite({"test_it.py": LINE_END, "conftest.py": conftest}, "--foreign-thread-stress-shrink=0")
    (repeat,) = [line for line in ran.output.splitlines() if line.startswith("repeat: ")]
    assert "$'test_it.py::test_it[first\\nit\\'s second]'" in repeat
    command = repeat.removeprefix("repeat: ").replace("pytest", f"{sys.executable} -m pytest", 1)
    again = subprocess.run(["bash", "-c", command], cwd=ran.folder, capture_output=True, text=True, timeout=300)
    assert again.stdout.rstrip("= \n").rpartition("= ")[2].startswith("1 failed in"), again.stdout + again.stderr


def test_an_interrupted_search_keeps_what_it_has(run_suite: RunSuite, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    conftest = "import os\nos.environ['RUNNING'] = str(os.getpid())\n"
    options = ("--foreign-thread-stress=2", "--foreign-thread-stress-shrink=600", f"--foreign-thread-report={file}")
    ran = run_suite({"conftest.py": conftest, "test_it.py": INTERRUPTED}, *options)
    assert "KeyboardInterrupt: during the search for a smaller setting of a stressed test" in ran.output
    assert "2 of 2 rounds failed" in ran.output
    found = tally(file)
    assert (found["rounds"], found["interrupted"]) == (2, False)
    # A round with the whole schedule, one with nothing shaken, and fresh ones.
    assert found["shrunk"]["verdict"] == (
        "it needs no shaking: as in an ordinary run, it failed in 4 of 4 rounds; the search was interrupted"
    )
    assert not found["shrunk"]["complete"]


SELDOM: Final = """
    import itertools, os, threading
    import pytest
    rounds = itertools.count(1)

    @pytest.mark.foreign_thread
    def test_seldom():
        if next(rounds) == 3 and threading.current_thread() is not threading.main_thread():
            os._exit(3)

    @pytest.mark.foreign_thread
    def test_never():
        pass
"""


def test_rounds_that_disagree_make_a_test_of_the_matrix_flaky(run_suite: RunSuite, tmp_path: Path) -> None:
    report, page, table = (tmp_path / f"report.{suffix}" for suffix in ("json", "html", "md"))
    reports = [f"--foreign-thread-report={file}" for file in (report, page, table)]
    options = ("--foreign-thread-stress=5", "--foreign-thread-stress-shrink=0", "--foreign-thread-modes=main,native")
    ran = run_suite({"test_it.py": SELDOM}, *options, *reports)
    assert re.search(r"test_seldom +ok +CRASH 1/5", ran.output)
    rows = json.loads(report.read_text())["matrix"]["rows"]
    assert [(row["verdict"], row["how"]) for row in rows] == [
        ("flaky", "crash in native (1 of 5 rounds)"),
        ("sound", ""),
    ]


STOPS: Final = """
    import itertools, threading
    import pytest
    rounds = itertools.count(1)

    def is_main():
        return threading.current_thread() is threading.main_thread()

    @pytest.mark.foreign_thread(mode=["main", "native"])
    def test_differs():
        assert is_main()

    @pytest.mark.foreign_thread(mode="native")
    def test_fails_once():
        assert next(rounds) != 3

    @pytest.mark.xfail
    @pytest.mark.foreign_thread(mode="native")
    def test_fails_as_expected():
        assert is_main()
"""


def test_rounds_stop_when_a_difference_is_certain(run_suite: RunSuite, tmp_path: Path) -> None:
    report, table = tmp_path / "report.json", tmp_path / "report.md"
    options = ("--foreign-thread-stress=30", "--foreign-thread-stress-stop", "--foreign-thread-stress-shrink=0")
    reports = [f"--foreign-thread-report={file}" for file in (report, table)]
    ran = run_suite({"test_it.py": STOPS}, *options, *reports)
    found = {entry["nodeid"].rpartition("::")[2]: entry["stress"] for entry in json.loads(report.read_text())["tests"]}
    assert {name: (one["rounds"], one["planned"]["rounds"], one["anytime"]) for name, one in found.items()} == {
        "test_differs[main]": (30, 30, False),
        "test_differs[native]": (4, 30, True),
        "test_fails_once": (3, 30, True),
        "test_fails_as_expected": (30, 30, True),
    }
    assert (
        "4 of 4 rounds failed (4 failed): over 32 % with 95 % confidence, valid for a run that stops early; "
        "stopped after 4 of 30 rounds, because the test fails more often than in main (0 of 30 rounds)"
    ) in ran.output
    assert "stops early; stopped after 3 of 30 rounds, at the first failure" in ran.output
    assert "| 4 of 30 |" in table.read_text()
    assert ran.closing_line == "2 failed, 1 passed, 1 xfailed"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--foreign-thread-stress=0",),
        ("--foreign-thread-stress=9", "--pdb"),
        ("--foreign-thread-stress-stop",),
        ("--foreign-thread-stress-seed=7:1:pool,pool", "--foreign-thread-stress=9"),
        ("--foreign-thread-stress-stop=perhaps", "--foreign-thread-stress=9"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_error_at_the_start(run_suite: RunSuite, arguments: tuple[str, ...]) -> None:
    ran = run_suite({"test_it.py": "def test_it(): pass"}, *arguments)
    errors = [line for line in ran.errors.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert re.match("ERROR: --foreign-thread-stress(-stop|-seed)?: expected ", errors[0])
    assert errors[0].count("got ") <= 1
    assert "Traceback" not in ran.output + ran.errors
