"""The tally of a stressed test in the HTML page and in the Markdown report."""

from __future__ import annotations

import pytest

from pytest_foreignthread.model.outcomes import ABNORMAL, Outcome
from pytest_foreignthread.report.stress_words import COLUMNS, durations, page_data, table_row

from .sample_entries import entry
from .sample_tally import ASSERTION, filled, stressed, tally_data


def test_each_bin_is_a_whole_and_a_rare_failure_is_to_be_seen() -> None:
    course = page_data(stressed())["course"]
    assert len(course) == 47
    for one in course:
        heights = [height for _, height in one["parts"]]
        assert sum(heights) == pytest.approx(1, abs=0.001)
        assert min(heights) >= 0.05
    (dead,) = [one for one in course if len(one["parts"]) > 1]
    assert dead["words"] == "rounds 2881 to 2944: 8 segfault, 1 hang, 55 passed"
    assert [word for word, _ in dead["parts"]] == ["segfault", "hang", "passed"]


def test_a_bin_of_one_round_says_so() -> None:
    assert page_data(filled(1, ASSERTION).as_data((), 1.0))["course"] == [
        {"words": "round 1: 1 passed", "parts": [("passed", 1.0)]},
        {"words": "round 2: 1 failed", "parts": [("failed", 1.0)]},
    ]


def test_every_outcome_has_a_place_and_failures_come_first() -> None:
    data = {**filled(1).as_data((), 1.0), "outcomes": {outcome.value: 1 for outcome in Outcome}}
    shown = [word for word, _ in page_data(data)["outcomes"]]
    assert sorted(shown) == sorted(outcome.value for outcome in Outcome)
    assert shown[-4:] == ["xfailed", "skipped", "xpassed", "passed"]
    assert {Outcome(word) for word in shown[: len(ABNORMAL)]} == set(ABNORMAL)


def test_commands_are_there_once_they_exist() -> None:
    assert len(page_data(tally_data())["rerun"]) == 2
    fine = page_data(filled(5).as_data((), 1.0))
    assert (fine["rerun"], fine["shrunk"], fine["rows"]) == ([], None, [])


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0012345, "1.23 ms"), (1.5, "1.5 s"), (0.9, "900 ms"), (4e-6, "0.004 ms"), (61.0, "61 s")]
)
def test_durations_have_three_digits(seconds: float, words: str) -> None:
    found = dict.fromkeys(("min", "median", "max"), seconds)
    assert durations(found) == f"a round took {words} (median), {words} to {words}"


def test_a_row_of_the_table_has_all_columns() -> None:
    for stress in (tally_data(), filled(5).as_data((), 1.0)):
        assert len(table_row({**entry("t.py::test[new]", "new"), "stress": stress})) == len(COLUMNS)
