"""Rounds that call the test function on several threads at once: outcomes, reports, evidence, and what cannot be."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite

MODES: Final = ("new", "pool", "virtual", "forkjoin", "scheduled", "native", "native-pool", "python")

MEETS: Final = f"""
    import threading
    import pytest

    @pytest.fixture
    def met():
        return threading.Barrier(7)

    @pytest.mark.foreign_thread(mode={list(MODES)!r}, stress=2)
    def test_meets(met, foreign_thread, record_property):
        assert met.wait(20) < 7 == foreign_thread.threads
"""


def test_each_mode_brings_as_many_threads(run_suite: RunSuite) -> None:
    ran = run_suite(MEETS, "--foreign-thread-stress-threads=7")
    assert ran.outcomes == {f"test_meets[{mode}]": "passed" for mode in MODES}
    assert {entry["stress"]["threads"] for entry in ran.tests.values()} == {7}
    assert "in rounds of a shaken schedule, seed " in ran.output
    assert "; 8 tests on 7 threads at once\n" in ran.output


ENDS: Final = """
    import ctypes
    import os
    import signal
    import threading
    import unittest
    import pytest

    foreign = pytest.mark.foreign_thread(mode="native", stress=2, stress_threads=4)
    pytestmark = foreign

    def test_two_ways(foreign_thread):
        if foreign_thread.index in (0, 3):
            raise KeyError("first")
        assert foreign_thread.index != 1

    def test_skips(foreign_thread):
        pytest.skip(f"{foreign_thread.threads} threads")

    def test_one_skips(foreign_thread):
        if foreign_thread.index == 2:
            pytest.skip("one")

    @pytest.mark.xfail(raises=ValueError, strict=True)
    def test_fails_as_expected(foreign_thread):
        if foreign_thread.index == 2:
            raise ValueError

    def test_crashes(foreign_thread):
        if foreign_thread.index == 2:
            ctypes.string_at(1)
        threading.Event().wait()

    @pytest.mark.foreign_thread(timeout=3, stress=1)
    def test_hangs(foreign_thread):
        if foreign_thread.index == 2:
            threading.Event().wait()

    def test_is_interrupted(foreign_thread):
        if foreign_thread.index == 2:
            os.kill(os.getpid(), signal.SIGINT)

    @pytest.fixture
    def numbered(foreign_thread):
        return foreign_thread.index

    def test_numbered(numbered):
        pass

    @pytest.mark.foreign_thread(mode=["main", "same"])
    def test_one_thread(foreign_thread, numbered):
        assert (numbered, foreign_thread.index, foreign_thread.threads) == (0, 0, 1)

    class TestCase(unittest.TestCase):
        def setUp(self):
            assert threading.current_thread() is threading.main_thread()
            self.idents = []

        def test_method(self):
            assert threading.current_thread() is not threading.main_thread()
            self.idents.append(threading.get_ident())

        def tearDown(self):
            assert len(self.idents) == 4

    @pytest.mark.foreign_thread(mode="in_place", timeout=3, stress=1)
    def test_in_place():
        pass

    @pytest.mark.foreign_thread(mode="said")
    def test_said():
        pass
"""
OWN: Final = """
    from pytest_foreignthread import OwnMode

    def in_place(task):
        task()

    def pytest_foreign_thread_modes():
        said = OwnMode(in_place, needs_jvm=False, has_one_thread=True)
        return {"in_place": OwnMode(in_place, needs_jvm=False), "said": said}
"""


def test_the_worst_thread_decides_and_all_are_shown(run_suite: RunSuite) -> None:
    ran = run_suite({"test_it.py": ENDS, "conftest.py": OWN}, "--foreign-thread-stress-shrink=0")
    assert ran.outcomes == {
        "test_two_ways": "failed",
        "test_skips": "skipped",
        "test_one_skips": "passed",
        "test_fails_as_expected": "xfailed",
        "test_crashes": "segfault",
        "test_hangs": "hang",
        "test_is_interrupted": "failed",
        "test_numbered": "error",
        "test_one_thread[main]": "passed",
        "test_one_thread[same]": "passed",
        "TestCase::test_method": "passed",
        "test_in_place": "failed",
        "test_said": "passed",
    }
    assert ran.tests["test_skips"]["stress"] is None
    assert {name: entry["stress"]["rounds"] for name, entry in ran.tests.items() if name != "test_skips"} == {
        name: 1 if name in ("test_hangs", "test_in_place") else 2 for name in ran.tests if name != "test_skips"
    }
    text = ran.output
    assert "threads 0, 3: KeyError: 'first' (shown above)\nthread 1: AssertionError: assert 1 != 1\n" in text
    assert "thread 2: passed\n" in text
    assert ">       assert foreign_thread.index != 1\n" in text
    assert "got another one; fixtures are set up once, for all of them" in text
    assert "expected 4 calls at once, got 1 in 1.5 s: the mode 'in_place' has too few threads; mark the test" in text
    assert "--foreign-thread-stress-threads=4" in text
    assert "; 10 tests on 4 threads at once, 3 tests on 1 thread\n" in text
    hang = ran.tests["test_hangs"]
    assert [thread["name"] for thread in hang["threads"] if thread["name"].startswith("native-")] == ["native-3"]
    crash = ran.tests["test_crashes"]
    assert [thread["name"] for thread in crash["threads"] if thread["current"]] == ["native-3"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("=0",), "expected a number of threads from 1 to 256, such as 8, got '0'"),
        (("=8",), "expected a test that runs in rounds, got none: add --foreign-thread-stress=100, for example"),
        (("=8", "--pdb"), "expected no --pdb beside it, which runs a test once or not at all"),
        (("=8", "-n1"), "expected a test that runs in rounds, got none: add --foreign-thread-stress=100, for example"),
    ],
    ids=str,
)
def test_a_mistake_is_one_error_at_the_start(run_suite: RunSuite, arguments: tuple[str, ...], error: str) -> None:
    option = "--foreign-thread-stress-threads"
    source = "import pytest\n\n@pytest.mark.foreign_thread(mode='native')\ndef test_it(): pass"
    first, *rest = arguments
    ran = run_suite({"test_it.py": source}, f"{option}{first}", *rest)
    assert ran.status == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in (ran.errors + ran.output).splitlines() if option in line]
    assert lines == [f"ERROR: {option}: {error}"]
    assert "Traceback" not in ran.output + ran.errors
