"""The parts of the benchmarks that decide what is told: medians, figures, the table, the history."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import PICTURE, main
from benchmarks.drawing import Course, courses, drawing
from benchmarks.figures import HEADINGS, Compared, Row, history_line, shown, table, with_history
from benchmarks.growth import Growth, Sample, growth
from benchmarks.kept import last_kept, worse
from benchmarks.measure import BenchmarkError, Command, environment, in_turn
from benchmarks.start_up import import_milliseconds
from benchmarks.surroundings import ROOT, Surroundings

SVG = "{http://www.w3.org/2000/svg}"
RATIO = Row("ours / theirs", "s", (3.0, 1.0, 2.0), (8.0, 4.0, 100.0), 0.30)


@pytest.mark.parametrize(
    ("row", "figure", "reached"),
    [
        (RATIO, 0.25, True),
        (Row("over", "s", (4.0,), (8.0,), 0.49), 0.5, False),
        (Row("just", "s", (4.0,), (8.0,), 0.5), 0.5, True),
        (Row("more", "ms", (12.0, 14.0), (9.0,), 5.0, Compared.DIFFERENCE), 4.0, True),
        (Row("less", "ms", (9.0,), (12.0,), 5.0, Compared.DIFFERENCE), -3.0, True),
        (Row("one outlier", "s", (0.2, 0.2, 9.0), (), 0.3, Compared.ALONE), 0.2, True),
        (Row("no target", "s", (0.2,), (), None, Compared.ALONE), 0.2, None),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else None,
)
def test_figure(row: Row, figure: float, reached: bool | None) -> None:
    assert row.figure == pytest.approx(figure)
    assert row.reached is reached


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.254, "", "0.25"),
        (2.5, "s", "2.50 s"),
        (12.34, "ms", "12.3 ms"),
        (1234.5, "KB", "1234 KB"),
        (-3.0, "", "-3.00"),
    ],
)
def test_number(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (RATIO, ("ours / theirs", "2.00 s", "8.00 s", "0.25", "≤ 0.30", "yes")),
        (
            Row("more", "ms", (16.0,), (9.0,), 5.0, Compared.DIFFERENCE),
            ("more", "16.0 ms", "9.00 ms", "+7.00 ms", "≤ 5.00 ms", "no"),
        ),
        (
            Row("less", "ms", (8.0,), (9.0,), 5.0, Compared.DIFFERENCE),
            ("less", "8.00 ms", "9.00 ms", "-1.00 ms", "≤ 5.00 ms", "yes"),
        ),
        (Row("alone", "s", (0.2,), (), None, Compared.ALONE), ("alone", "0.20 s", "", "", "", "")),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else None,
)
def test_cells(row: Row, cells: tuple[str, ...]) -> None:
    assert len(HEADINGS) == len(cells)
    assert row.cells() == cells


def test_data_has_the_value_of_each_run() -> None:
    data = RATIO.as_data()
    assert (data["ours"], data["other"], data["figure"]) == ([3.0, 1.0, 2.0], [8.0, 4.0, 100.0], 0.25)


def test_columns_of_the_table_stand_below_each_other() -> None:
    assert table(("a", "long"), [("longer", "b"), ("c", "")]).splitlines() == [
        "| a      | long |",
        "| ------ | ---- |",
        "| longer | b    |",
        "| c      |      |",
    ]


AROUND = Surroundings("2026-01-31", "0.1.0", "abc1234", "3.11.7", "25.0.2", 4, "host.of/mine", 0.5)


def test_history() -> None:
    line = history_line(AROUND.history_cells(), Row("alone", "s", (0.2,), (), None, Compared.ALONE))
    assert line == "| 2026-01-31 | 0.1.0 (abc1234) | 3.11.7 | 25.0.2 | 4 | alone | 0.20 s | – | – | – | – |"
    assert with_history("# Title\n\n|a|\n\n", [line, line]) == f"# Title\n\n|a|\n{line}\n{line}\n"


HISTORY = """
| date | version | Python | JDK | cores | benchmark | ours | other side | ratio | target | reached |
|---|---|---|---|---|---|---|---|---|---|---|
| 2026-11-25 | 0.1.0 (4c9798b) | 3.11.7 | 25.0.2 | 2 | a <JVM> / bare: wall | 8.00 s | 2.00 s | 4.00 | ≤ 3.00 | no |
| 2026-11-26 | 0.1.0 (40ba0f6) | 3.11.7 | 25.0.2 | 2 | a <JVM> / bare: wall | 5.00 s | 2.00 s | 2.50 | ≤ 2.00 | no |
| 2026-11-26 | 0.1.0 (40ba0f6) | 3.11.7 | 25.0.2 | 2 | fault to report | 0.44 s | – | – | ≤ 0.30 s | no |
| 2026-11-26 | 0.1.0 (40ba0f6) | 3.11.7 | 25.0.2 | 2 | descriptors | 0.00 | – | – | ≤ 0.00 | yes |
| 2026-11-26 | 0.1.0 (40ba0f6) | 3.11.7 | 25.0.2 | 2 | start | 499 ms | 446 ms | +52.9 ms | ≤ 5.00 ms | no |
| 2026-11-26 | 0.1.0 (40ba0f6) | 3.11.7 | 25.0.2 | 2 | CPU | 5.00 s | 2.00 s | 2.50 | – | – |
"""


def test_the_picture_has_the_ratios_of_the_history() -> None:
    assert [*courses(HISTORY)] == [Course("a <JVM> / bare: wall", (4.0, 2.5), 2.0), Course("CPU", (2.5,), None)]


def test_the_picture_shows_each_run_and_the_target() -> None:
    picture = ElementTree.fromstring(drawing(HISTORY))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts == ["0", "1", "2", "3", "4", "a <JVM> / bare: wall", "2.50", "CPU", "2.50"]
    places = [(circle.get("class"), circle.get("cx")) for circle in picture.iter(f"{SVG}circle")]
    assert places == [("run", "720.0"), ("run newest", "581.2"), ("run newest", "581.2")]
    assert [path.get("d") for path in picture.iter(f"{SVG}path") if path.get("class") == "target"] == ["M535.0 33.0v16"]


def test_a_page_without_ratios_has_an_empty_picture() -> None:
    assert "<circle" not in drawing("# History")


def test_the_picture_of_the_page_is_that_of_its_table() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawing(PICTURE.with_suffix(".md").read_text(encoding="utf-8"))


def test_history_of_the_docs_has_the_columns_of_a_line() -> None:
    # It is the end of the document, so that lines can be added.
    page = ROOT / "docs" / "explanation" / "benchmarks.md"
    _, heading, end = page.read_text(encoding="utf-8").rpartition("| date |")
    headings, rule, *lines = f"{heading}{end}".splitlines()
    columns = history_line(AROUND.history_cells(), RATIO).count("|")
    assert [line.count("|") for line in (headings, rule, *lines)] == [columns] * (2 + len(lines))


def kept(folder: Path, name: str, written: float, machine: str = "mine", shared: int = 3, **figures: float) -> None:
    path = folder / f"{name}.json"
    rows = [{"benchmark": one, "figure": figure} for one, figure in figures.items()]
    around = {"machine": machine, "date": name, "commit": "abc"}
    path.write_text(json.dumps({"around": around, "sizes": {"shared": shared}, "rows": rows}), encoding="utf-8")
    os.utime(path, (written, written))


def test_the_last_kept_run_is_of_this_machine_and_size(tmp_path: Path) -> None:
    kept(tmp_path, "old", 1.0)
    kept(tmp_path, "last", 2.0)
    kept(tmp_path, "other machine", 3.0, machine="other")
    kept(tmp_path, "quick", 4.0, shared=1)
    for name, text in {"cut": "{", "list": "[]", "foreign": "{}"}.items():
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    found = last_kept(tmp_path, "mine", {"shared": 3})
    assert found is not None
    assert found["around"]["date"] == "last"
    assert last_kept(tmp_path, "third", {"shared": 3}) is None
    assert last_kept(tmp_path / "none", "mine", {"shared": 3}) is None


@pytest.mark.parametrize(
    ("before", "now", "is_worse"),
    [(1.0, 1.09, False), (1.0, 1.11, True), (1.0, 0.5, False), (0.0, 0.0, False), (0.0, 1.0, True), (-5.0, -4.0, True)],
)
def test_what_is_worse(tmp_path: Path, before: float, now: float, is_worse: bool) -> None:
    kept(tmp_path, "2026-01-30", 1.0, one=before)
    document = last_kept(tmp_path, "mine", {"shared": 3})
    assert document is not None
    rows = [Row(name, "", (now,), (), None, Compared.ALONE) for name in ("one", "new")]
    lines = [f"worse: one: {shown(before)} (2026-01-30, abc) → {shown(now)}"] if is_worse else []
    assert list(worse(rows, document)) == lines


def test_name_of_the_file_is_one() -> None:
    assert AROUND.file_name == "2026-01-31-host.of-mine.json"


def samples(seconds: float, late: float, kilobytes: float, **last: int) -> Iterator[Sample]:
    """One of the first item, which took long, and twenty of ten items each; the last two steps take `late` an item."""
    yield Sample(1, 100.0, 0.0, 9, 0)
    now = 100.0
    for step in range(1, 21):
        items = 10 * step - (1 if step == 1 else 0)
        now += (late if step > 18 else seconds) * (9 if step == 1 else 10)
        changed = last if step == 19 else {}
        ended = {"descriptors": 3, "children": 0} if step == 20 else {}
        held = {"descriptors": 9, "children": 1, **changed, **ended}
        yield Sample(items + (step == 1), now, 5000 + kilobytes * 10 * step, **held)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (samples(0.5, 0.5, 1.5), Growth(1.5, 0, 0, 1.0)),
        (samples(0.5, 1.0, 0.0), Growth(0.0, 0, 0, 2.0)),
        (samples(0.5, 0.5, 0.0, descriptors=11, children=2), Growth(0.0, 2, 1, 1.0)),
    ],
    ids=["memory", "time", "descriptors and children"],
)
def test_growth(seen: Iterator[Sample], expected: Growth) -> None:
    found = growth(list(seen))
    assert (found.descriptors, found.children) == (expected.descriptors, expected.children)
    assert (found.kilobytes, found.slowdown) == pytest.approx((expected.kilobytes, expected.slowdown))


IMPORT_TIME = """\
import time: self [us] | cumulative | imported package
import time:       700 |        700 | _pytest.config
import time:       100 |        100 |   pytest_foreignthread.model.outcomes
import time:      1000 |       1000 |     json
import time:       200 |       1200 |   pytest_foreignthread.channel.wire
import time:        50 |         50 |     pytest_foreignthread.config.options
import time:       300 |       2650 | pytest_foreignthread.plugin
import time:       150 |        150 | pytest_foreignthread_other
import time:        20 |         20 |   pytest_foreignthread.late
import time:      9000 |       9020 | somebody
passed
"""


def test_import_time() -> None:
    own, whole = import_milliseconds(IMPORT_TIME)
    assert own == pytest.approx(0.67)
    assert whole == pytest.approx(2.65 + 0.02)


def test_sides_run_in_turn_after_a_run_that_does_not_count() -> None:
    numbers, order = count(), []

    def side(name: str) -> int:
        order.append(name)
        return next(numbers)

    assert in_turn(3, lambda: side("a"), lambda: side("b")) == ((2, 4, 6), (3, 5, 7))
    assert "".join(order) == "abababab"


def python(program: str, folder: Path, status: int = 0, words: str = "") -> Command:
    return Command((sys.executable, "-c", program), folder, environment(), status, words)


def test_processes_below_count(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    keeper = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    assert python(keeper, tmp_path).run().cpu >= 0.3


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [("raise SystemExit(3)", 0, ""), ("print('1 passed')", 0, "2 passed"), ("", 1, "")],
    ids=["status", "words", "no failure"],
)
def test_run_that_ends_otherwise_gives_no_figure(program: str, status: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="want exit status"):
        python(program, tmp_path, status, words).run()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["9"], "9: want one of 1, 2, 3, 4, 5, 6, 7, 8"), (["1", "--repeat", "0"], "0: want 1 or more")],
    ids=["number", "repeat"],
)
def test_mistake_on_the_command_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert told in capsys.readouterr().err


def test_variables_that_change_what_is_measured_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v")
    monkeypatch.setenv("KEPT", "yes")
    found = environment(MORE="1")
    assert ("PYTEST_ADDOPTS" in found, found["KEPT"], found["MORE"]) == (False, "yes", "1")


def test_what_is_measured_lies_beside_the_benchmarks(tmp_path: Path) -> None:
    show = "import pytest_foreignthread; print(pytest_foreignthread.__file__)"
    python(show, tmp_path, words=str(ROOT / "pytest_foreignthread" / "__init__.py")).run()
