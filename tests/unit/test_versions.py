"""The table of what the tests ran with: one row for each set of releases, from runs of a part that has a name."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..run_command import FEW_PLUGINS, run_command
from ..versions import FIRST_TIER, PAGE, RECORD, RESULTS, SMOKE, merged, part_of_the_tests, table, with_table

SOME: dict[str, Any] = {
    "python": "3.12.1",
    "pytest": "9.2.0",
    "jdk": "25.0.2",
    "jpype": "1.7.1",
    "tests": "smoke",
    "passed": 90,
    "failed": 0,
    "skipped": 2,
    "day": "2026-11-29",
}


@pytest.mark.parametrize(
    ("args", "is_default", "mark", "keyword", "part"),
    [
        (["tests"], True, "", "", "whole"),
        (["tests"], True, FIRST_TIER, "", "first tier"),
        (SMOKE, False, FIRST_TIER, "", "smoke"),
        (SMOKE, False, "", "", None),
        (SMOKE[1:], False, FIRST_TIER, "", None),
        (["tests/unit"], False, "", "", None),
        (["tests"], True, "", "matrix", None),
        (["tests"], True, "thorough", "", None),
    ],
)
def test_only_a_part_with_a_name_is_a_result(
    args: list[str], is_default: bool, mark: str, keyword: str, part: str | None
) -> None:
    assert part_of_the_tests(args, is_default=is_default, mark=mark, keyword=keyword) == part


def test_a_newer_result_takes_the_place_of_that_of_the_same_releases_and_tests() -> None:
    newer, whole = {**SOME, "passed": 91}, {**SOME, "tests": "whole"}
    assert merged([SOME], [newer]) == [newer]
    assert merged([SOME], [whole]) == [SOME, whole]


def test_releases_stand_in_the_order_of_their_numbers() -> None:
    ninth, tenth = {**SOME, "python": "3.9.1"}, {**SOME, "python": "3.10.1"}
    assert merged([tenth], [ninth]) == [ninth, tenth]


def test_a_failure_stands_in_the_table() -> None:
    *_, row = table([{**SOME, "failed": 1}]).splitlines()
    assert row == "| 3.12.1 | 9.2.0 | 25.0.2 | 1.7.1 | smoke | 90 passed, 1 failed, 2 skipped | 2026-11-29 |"


def test_the_page_gets_the_table_once() -> None:
    page = "# A page\n\n<!-- table of: docs/versions.json -->\n\nThe rest.\n"
    once = with_table(page, [SOME])
    assert once.count("| 3.12.1 |") == 1
    assert once.endswith("2026-11-29 |\n\nThe rest.\n")
    assert with_table(once, [SOME]) == once
    with pytest.raises(ValueError, match="expected a line"):
        with_table("# Another page\n", [SOME])


def test_the_page_shows_the_kept_results() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    assert results
    assert with_table(page, results) == page


@pytest.mark.parametrize(("arguments", "is_kept"), [([], True), (["-k", "passes"], False), (["--collect-only"], False)])
def test_a_run_leaves_its_result(tmp_path: Path, arguments: list[str], is_kept: bool) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text("def test_passes(): pass\ndef test_fails(): assert False\n", encoding="utf-8")
    folder = tmp_path / "results"
    subprocess.run(
        run_command("-p", "tests.versions", *arguments),
        cwd=tmp_path,
        env={**os.environ, **FEW_PLUGINS, "PYTHONPATH": str(PAGE.parents[2]), RECORD: str(folder)},
        stdout=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    left = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    assert [(result["pytest"], result["tests"], result["passed"], result["failed"]) for result in left] == (
        [(pytest.__version__, "whole", 1, 1)] if is_kept else []
    )


def test_the_smoke_tests_are_there() -> None:
    assert [name for name in SMOKE if not (PAGE.parents[2] / name).is_file()] == []
