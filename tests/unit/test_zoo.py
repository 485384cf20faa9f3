"""The figures of the zoo of races: medians, the table, the page; and the races as pytest collects them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import pytest

from benchmarks.surroundings import ROOT
from benchmarks.zoo.medians import Race, is_decided, table, with_block
from pytest_foreignthread.model.modes import mode_needs_jvm

RACES: Final = ROOT / "benchmarks" / "zoo" / "races.py"
OVER: Final = math.inf


@pytest.mark.parametrize(
    ("counts", "decided"),
    [
        ([], False),
        ([OVER, OVER], False),
        ([OVER, OVER, OVER], True),
        ([1, OVER, 2, OVER], False),
        ([1, OVER, 2, OVER, OVER], True),
        ([1, 2, 3, 4], False),
        ([1, 2, 3, 4, 5], True),
    ],
)
def test_more_runs_are_of_use_until_the_median_is_known(counts: list[float], decided: bool) -> None:
    assert is_decided(counts) == decided


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([5, 1, 3, 2, 9], "3 (1 to 9)"),
        ([4, 4, 4, 4, 4], "4"),
        ([OVER, OVER, OVER], "over 300"),
        ([7, OVER, OVER, OVER], "over 300 (7 to over 300)"),
        ([7, 9, OVER, 20, OVER], "20 (7 to over 300)"),
    ],
)
def test_a_row_has_the_median_and_the_range(counts: list[float], shown: str) -> None:
    race = Race("double_free", "native", 2, {"crash"}, counts, [1])
    assert race.row(300) == f"| double free | `native` | 2 | {shown} | 1 | crash |"
    assert table([race, race], 300).splitlines()[2:] == [race.row(300)] * 2


def entry(rounds: int, failed: int) -> dict[str, object]:
    return {"mode": "new", "outcome": "hang", "stress": {"threads": 3, "rounds": rounds, "failed": failed}}


def test_a_report_adds_the_rounds_until_the_failure() -> None:
    race = Race("inversion")
    race.add(entry(12, 1), plain=False)
    race.add(entry(300, 0), plain=True)
    assert (race.mode, race.threads, race.outcomes) == ("new", 3, {"hang"})
    assert (race.shaken, race.plain) == ([12], [OVER])


def test_the_page_keeps_all_but_its_block() -> None:
    page = "before\n<!-- made by: make zoo -->\nold\n<!-- end -->\nafter\n"
    made = with_block(page, "new \\1")
    assert made == "before\n<!-- made by: make zoo -->\n\nnew \\1\n\n<!-- end -->\nafter\n"
    assert with_block(made, "new \\1") == made
    with pytest.raises(ValueError, match="expected one block of figures"):
        with_block("no block\n", "new")


def test_the_zoo_has_ten_races_half_of_them_with_a_jvm(pytester: pytest.Pytester) -> None:
    module = pytester.getmodulecol(RACES.read_text(encoding="utf-8"))
    items = list(pytester.genitems([module]))
    marks = [item.get_closest_marker("foreign_thread") for item in items]
    modes = [str(mark.kwargs["mode"]) for mark in marks if mark is not None]
    assert len(modes) == len(items) == 10
    assert sum(mode_needs_jvm(mode, {}) for mode in modes) == 5


def test_the_page_has_a_row_for_each_race() -> None:
    page = Path(ROOT / "docs" / "explanation" / "stress-zoo.md").read_text(encoding="utf-8")
    source = RACES.read_text(encoding="utf-8")
    names = {line.partition("def test_")[2].partition("(")[0] for line in source.splitlines() if "def test_" in line}
    rows = [line.strip("|").split("|")[0].strip() for line in page.splitlines() if line.startswith("| ")]
    assert set(rows) - {"race"} == {name.replace("_", " ") for name in names}
