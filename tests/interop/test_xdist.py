"""pytest-xdist: each way to hand out tests, workers that die, and what the controller makes of it all."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from .conftest import RunWith

QUICK = "--foreign-thread-native=off"
SUITE = """
    import ctypes, threading
    import pytest

    foreign = pytest.mark.foreign_thread(mode="python")

    @foreign
    @pytest.mark.parametrize("number", range(3))
    def test_passes(number):
        assert threading.current_thread() is not threading.main_thread()

    def test_ordinary():
        pass

    @foreign
    def test_crashes():
        ctypes.string_at(0)

    @foreign(timeout=1)
    def test_hangs():
        threading.Event().wait()

    @foreign
    def test_fails():
        assert 0
"""
OUTCOMES = {f"test_passes[{number}]": "passed" for number in range(3)}
OUTCOMES |= {"test_crashes": "segfault", "test_hangs": "hang", "test_fails": "failed"}


@pytest.mark.parametrize("dist", ["no", "load", "loadscope", "loadfile", "loadgroup", "worksteal"])
# Only there a test that was handed out is taken back; test_all_at_once.py has xdist's default.
@pytest.mark.by_default("worksteal")
def test_each_test_is_counted_once_however_they_are_handed_out(run_with: RunWith, dist: str) -> None:
    run = run_with("xdist", {"test_a.py": SUITE, "test_b.py": SUITE}, QUICK, "-n2", f"--dist={dist}")
    assert run.closing_line == "2 failed, 8 passed, 2 segfault, 2 hang", run.output + run.errors
    assert run.status == 1
    assert Counter(entry["nodeid"] for entry in run.document["tests"]) == {
        f"{file}::{name}": 1 for file in ("test_a.py", "test_b.py") for name in OUTCOMES
    }
    assert run.outcomes == OUTCOMES


def test_a_death_names_its_worker_as_a_failure_does(run_with: RunWith) -> None:
    run = run_with("xdist", SUITE, QUICK, "-n2", "--dist=each", "-k", "crashes or fails")
    lines = run.output.splitlines()
    below = {
        title: [lines[place + 1].partition(" ")[0] for place, line in enumerate(lines) if f"_ {title} _" in line]
        for title in ("test_fails", "test_crashes")
    }
    assert {title: len(workers) for title, workers in below.items()} == {"test_fails": 2, "test_crashes": 1}
    assert set(below["test_fails"]) == {"[gw0]", "[gw1]"} > set(below["test_crashes"])
    assert re.search(r"(?m)^the same in python on gw[01] \(-v shows each\)$", run.output)


# tests/plugin/test_cut_short.py has it with a worker that is killed.
@pytest.mark.thorough
def test_each_worker_may_run_all(run_with: RunWith) -> None:
    run = run_with("xdist", SUITE, QUICK, "-n2", "--dist=each")
    assert run.closing_line == "2 failed, 8 passed, 2 segfault, 2 hang", run.output + run.errors
    assert Counter(entry["nodeid"] for entry in run.document["tests"]) == {
        f"test_it.py::{name}": 2 for name in OUTCOMES
    }


def test_a_group_is_no_part_of_the_test(run_with: RunWith) -> None:
    suite = """
        import ctypes
        import pytest
        pytestmark = pytest.mark.xdist_group("a@b")

        @pytest.mark.foreign_thread
        def test_in_group():
            ctypes.string_at(0)
    """
    run = run_with("xdist", suite, QUICK, "-n2", "--dist=loadgroup", "--foreign-thread-modes=main,new")
    assert run.closing_line == "2 segfault", run.output
    rows = run.document["matrix"]["rows"]
    assert [(row["test"], sorted(row["cells"])) for row in rows] == [("test_it.py::test_in_group", ["main", "new"])]
    reruns = [entry["rerun"][0] for entry in run.document["tests"]]
    assert reruns == ["test_it.py::test_in_group[main]", "test_it.py::test_in_group[new]"]


@pytest.mark.parametrize("isolation", ["test", "session"])
# tests/plugin/test_cut_short.py kills workers with children of each kind.
@pytest.mark.by_default("session")
def test_a_worker_that_an_ordinary_test_kills_costs_only_that_test(run_with: RunWith, isolation: str) -> None:
    suite = """
        import os, signal
        import pytest
        foreign = pytest.mark.foreign_thread(mode="python")

        @foreign
        @pytest.mark.parametrize("number", range(4))
        def test_before(number):
            pass

        def test_kills():
            os.kill(os.getpid(), signal.SIGKILL)

        @foreign
        @pytest.mark.parametrize("number", range(4))
        def test_after(number):
            pass
    """
    run = run_with("xdist", suite, QUICK, "-n2", f"--foreign-thread-isolation={isolation}")
    assert run.closing_line == "1 failed, 8 passed", run.output + run.errors
    assert Counter(run.outcomes.values()) == {"passed": 8}
    assert len(run.document["tests"]) == 8
    assert "crashed while running 'test_it.py::test_kills'" in run.output


def test_a_crash_may_stop_the_run(run_with: RunWith) -> None:
    suite = """
        import ctypes
        import pytest

        @pytest.mark.foreign_thread
        def test_crashes():
            ctypes.string_at(0)

        @pytest.mark.foreign_thread
        @pytest.mark.parametrize("number", range(20))
        def test_after(number):
            pass
    """
    run = run_with("xdist", suite, QUICK, "-n1", "-x")
    assert run.status == 2, run.output + run.errors
    assert "stopping after 1 failures" in run.output
    assert run.outcomes["test_crashes"] == "segfault"
    assert len(run.outcomes) < 21


def test_an_expected_death_is_expected_in_a_worker(run_with: RunWith) -> None:
    suite = """
        import ctypes, os
        import pytest
        from pytest_foreignthread import ChildCrash, Segfault
        pytestmark = pytest.mark.foreign_thread(mode="python")

        @pytest.mark.xfail(raises=Segfault, strict=True)
        def test_expected():
            ctypes.string_at(0)

        @pytest.mark.xfail(raises=ChildCrash, strict=True)
        def test_other():
            ctypes.string_at(0)

        @pytest.mark.xfail
        def test_passes():
            pass

        @pytest.mark.xfail(strict=True)
        def test_passes_all_the_same():
            pass

        @pytest.mark.xfail(run=False)
        def test_not_run():
            os._exit(3)
    """
    run = run_with("xdist", suite, QUICK, "-n2")
    assert run.outcomes == {
        "test_expected": "xfailed",
        "test_other": "segfault",
        "test_passes": "xpassed",
        "test_passes_all_the_same": "failed",
        "test_not_run": "xfailed",
    }, run.output
    assert run.closing_line == "1 failed, 2 xfailed, 1 xpassed, 1 segfault"
