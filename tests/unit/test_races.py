"""What `make races` makes of the reports of stressed suites; the suites themselves run there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from tests.real import races
from tests.real.suites import THREADED, Suite

from .sample_entries import entry
from .sample_tally import ASSERTION, filled

SUITE = Suite("cachetools", "8.0.2", ("tests",))


def entries() -> list[Mapping[str, Any]]:
    fine, broken = filled(50).as_data((), 1.0), filled(49, ASSERTION).as_data((), 1.0)
    cut = filled(20).as_data((), 1.0)
    return [
        {**entry("t.py::test_a[native]", "native"), "stress": fine},
        {**entry("t.py::test_b[native]", "native", Outcome.FAILED), "stress": broken},
        {**entry("t.py::test_a[new]", "new"), "stress": fine},
        {**entry("t.py::test_b[new]", "new"), "stress": cut},
        {**entry("t.py::test_c[new]", "new", Outcome.SKIPPED), "stress": None, "summary": None, "message": "no Redis"},
    ]


def test_a_row_has_the_rounds_of_a_mode_and_the_highest_bound() -> None:
    assert list(races.rows_of(SUITE, entries())) == [
        ("cachetools", "8.0.2", "native", "2", "50", "1 of 100", "under 11 %"),
        ("cachetools", "8.0.2", "new", "2", "20 to 50", "0 of 70", "under 14 %"),
    ]


def test_each_failure_and_each_test_without_rounds_has_a_line() -> None:
    assert list(races.failures_of(SUITE, entries())) == [
        "- cachetools, `test_b` in `native`: 1 of 50 rounds failed (1 failed): 2 %, 95 % interval 0.051–11 %; "
        "most frequent: 1x summary of test_it.py:4",
        "- cachetools, `test_c` in `new`: skipped, without a round: no Redis",
    ]


def test_the_page_has_one_block_that_is_replaced() -> None:
    page = races.BEGIN + "\nold\n<!-- end -->\n"
    assert races.with_block(page, "new \\1") == races.BEGIN + "\n\nnew \\1\n\n<!-- end -->\n"
    with pytest.raises(ValueError, match="expected one block of results in the page, got 0"):
        races.with_block("no block", "new")
    assert races.PAGE.read_text(encoding="utf-8").count(races.BEGIN) == 1


def test_an_unknown_suite_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        races.main(["cachetool"])
    names = ", ".join(suite.name for suite in THREADED)
    assert f"expected some of {names}, got 'cachetool'" in capsys.readouterr().err
