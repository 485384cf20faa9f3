"""Subtests, pytest's own and unittest's: each that fails is reported, and each is counted once."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pytest

from .conftest import RunWith

UNITTEST: Final = """
    import threading, unittest
    import pytest

    @pytest.mark.foreign_thread(mode=MODE)
    class TestCase(unittest.TestCase):
        def test_subtests(self):
            for number in range(4):
                with self.subTest("of unittest", number=number):
                    self.assertNotIn(number, (1, 2))

        def test_passes(self):
            with self.subTest("of unittest"):
                pass
"""
PYTEST: Final = """
    @pytest.mark.foreign_thread(mode=MODE)
    def test_subtests(subtests):
        for number in range(4):
            with subtests.test("of pytest", number=number):
                assert number not in (1, 2)

    @pytest.mark.foreign_thread(mode=MODE)
    def test_fails_too(subtests):
        with subtests.test("of pytest"):
            pytest.fail("inside")
        pytest.fail("outside")

    @pytest.mark.foreign_thread(mode=MODE)
    def test_passes(subtests):
        with subtests.test("of pytest"):
            pass
"""
OF_PYTEST_9: Final = hasattr(pytest, "Subtests")
SUITE: Final = UNITTEST + (PYTEST if OF_PYTEST_9 else "")
# Before, a test of unittest ends with its first subtest that fails.
COUNTS: Final = "7 failed, 3 passed" if OF_PYTEST_9 else "1 failed, 1 passed"
LINES: Final = {
    "FAILED test_it.py::TestCase::test_subtests": 0 if OF_PYTEST_9 else 1,
    "SUBFAILED[of unittest] test_it.py::TestCase::test_subtests": 2 if OF_PYTEST_9 else 0,
    **(
        {"SUBFAILED[of pytest] test_it.py::test_subtests": 2, "FAILED test_it.py::test_subtests": 1}
        if OF_PYTEST_9
        else {}
    ),
    **(
        {"SUBFAILED[of pytest] test_it.py::test_fails_too": 1, "FAILED test_it.py::test_fails_too": 1}
        if OF_PYTEST_9
        else {}
    ),
}


def short_lines(output: str) -> Counter[str]:
    """Lines of the short summary, up to the reason and without a subtest's arguments."""
    short = output.partition("short test summary info")[2]
    found = re.findall(r"^((?:SUB)?FAILED(?:\[.*?\])?)(?: \(.*?\))? (\S+)", short, re.MULTILINE)
    return Counter(" ".join(parts) for parts in found)


@pytest.mark.parametrize(
    ("mode", "args"),
    [("main", ()), ("new", ()), ("new", ("-p", "xdist", "-n2")), ("pool", ("--foreign-thread-isolation=session",))],
    ids=["main", "new", "xdist", "session"],
)
# The others have other threads and the same reports.
@pytest.mark.by_default("new", "session")
def test_each_is_counted_once(run_with: RunWith, mode: str, args: tuple[str, ...]) -> None:
    run = run_with("", SUITE.replace("MODE", repr(mode)), *args)
    assert run.closing_line == COUNTS, run.output
    assert short_lines(run.output) == Counter({line: number for line, number in LINES.items() if number})
    assert run.status == 1


def test_the_matrix_has_a_verdict_for_the_test(run_with: RunWith) -> None:
    run = run_with("", SUITE.replace("mode=MODE", ""), "--foreign-thread-modes=main,new")
    assert re.search(rf"^broken +{3 if OF_PYTEST_9 else 1} ", run.output, re.MULTILINE), run.output
    assert re.search(rf"^sound +{2 if OF_PYTEST_9 else 1} ", run.output, re.MULTILINE)
    assert sum(short_lines(run.output).values()) == 2 * sum(LINES.values())


@pytest.mark.skipif(not OF_PYTEST_9, reason="pytest has had subtests since 9.0")
@pytest.mark.parametrize("most", [2, 3, 5, 9])
@pytest.mark.by_default("3", "5")
def test_the_run_stops_where_pytest_stops(run_with: RunWith, most: int) -> None:
    suite = UNITTEST + PYTEST
    plain = run_with("", suite.replace("@pytest.mark.foreign_thread(mode=MODE)", ""), f"--maxfail={most}")
    run = run_with("", suite.replace("MODE", '"main"'), f"--maxfail={most}")
    assert run.closing_line == plain.closing_line, run.output
    assert short_lines(run.output) == short_lines(plain.output)
