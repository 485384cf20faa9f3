"""The matrix as an HTML page: what it is given, and that nothing breaks out of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, Final

import pytest

from pytest_foreignthread.matrix.verdicts import Matrix, Verdict, matrix_of
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.records import Place
from pytest_foreignthread.model.stacks import Awaited, Gil, JavaFrame, Motion, PythonFrame, Thread, Wait
from pytest_foreignthread.report import legend
from pytest_foreignthread.report.entry_threads import threads_of
from pytest_foreignthread.report.html_report import page_data, render
from pytest_foreignthread.report.json_report import test_entry as entry_of
from pytest_foreignthread.report.text import PAGES

from .sample_entries import ENVIRONMENT, Entry, entry, row
from .sample_records import CRASHED, MAIN, SEGFAULT
from .sample_records import HANG as HUNG

PASSED, HANG = Outcome.PASSED, Outcome.HANG
MODES: Final = ("main", "new", "pool")
HOSTILE: Final = "</script><script>alert(1)</script><!--<script>&\u2028'\""
WAITING: Final = Thread(
    "worker",
    None,
    None,
    True,
    ((JavaFrame("a.B.c", None, 3),),),
    java_state="BLOCKED",
    locks=("- locked <0x1>",),
    gil=Gil.HOLDS,
    waits=(Wait(Awaited.MONITOR, "monitor <0x2>", 1),),
    motion=Motion.MOVING,
    seen=(PythonFrame("t.py", 3, "f"),),
)


def made(entries: list[Entry]) -> tuple[Matrix, list[Entry]]:
    return matrix_of(entries, MODES), entries


def with_threads(*threads: Thread) -> Entry:
    record = replace(SEGFAULT, nodeid="t.py::test_x[new]", mode="new")
    return entry_of(replace(record, evidence=replace(record.evidence, threads=threads)))


def run_of(data: dict[str, Any], row: int = 0, mode: str = "new", run: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = data["rows"][row]["cells"][MODES.index(mode)]["runs"][run]
    return found


class Page(HTMLParser):
    """What a browser makes of the page: elements with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and not data.isspace():
            self.scripts[-1] += data
        elif self.elements and self.elements[-1][0] != "style":
            self.words.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_row_field_by_field() -> None:
    entries = [
        *row("tests/test_a.py::Case::test_x", main=PASSED),
        entry("tests/test_a.py::Case::test_x[new]", "new", HANG, code="gil-deadlock"),
    ]
    data = page_data(*made(entries))
    (found,) = data["rows"]
    cells = found.pop("cells")
    assert found == {
        "test": "tests/test_a.py::Case::test_x",
        "file": "tests/test_a.py",
        "name": "Case::test_x",
        "verdict": "foreign-unsafe",
        "how": "hang in new",
    }
    passed = {
        "outcome": "passed",
        "facts": "in call, after 0.25 s",
        "rerun": "pytest 'tests/test_a.py::Case::test_x[main]'",
    }
    assert cells[0] == {"outcome": "passed", "word": "passed", "outcomes": ["passed"], "runs": [passed]}
    assert (cells[1]["diagnosis"], cells[1]["short"]) == ("gil-deadlock", "timed out after 5 s")
    assert cells[2] is None


def test_repeats_are_all_there() -> None:
    data = page_data(*made(row("t.py::test_x", new=(PASSED, HANG, HANG))))
    cell = data["rows"][0]["cells"][1]
    assert (cell["word"], cell["outcomes"]) == ("hang 2/3", ["passed", "hang"])
    assert [run["outcome"] for run in cell["runs"]] == ["passed", "hang", "hang"]


def test_the_report_of_a_run() -> None:
    data = page_data(*made([with_threads(CRASHED, MAIN)]))
    run = run_of(data)
    assert run["facts"] == "in call, after 0.31 s, SIGSEGV"
    assert run["diagnosis"]["page"] == f"{PAGES}late-callback/"
    assert (run["artifacts"], run["missing"]) == (SEGFAULT.artifacts, SEGFAULT.evidence.missing)
    assert run["notes"] == list(SEGFAULT.notes)
    crashed, main = run["threads"]
    assert (crashed["title"], crashed["state"]) == ('"pool-1-thread-1" (native id 4247)', "crashed")
    assert (main["title"], main["current"], main["state"]) == ('"MainThread" (native id 4236)', False, "")
    also = run_of(page_data(*made([with_threads(CRASHED, replace(MAIN, also_crashed=True))])))["threads"][1]
    assert also["state"] == "crashed as well"
    assert [data["lines"][number] for number in crashed["stacks"][0]] == [
        ("C", "_PyEval_EvalFrameDefault+0x3b (libpython3.11.so.1.0)"),
        ("Python", 'File "/project/test_bridge.py", line 12, in thunk'),
        ("Java", "at java.lang.Thread.run(Thread.java:840)"),
    ]


def harness(number: int) -> tuple[PythonFrame, ...]:
    return tuple(PythonFrame(f"/site-packages/_pytest/f{n}.py", n, "step") for n in range(number))


def test_frames_are_folded_as_in_the_terminal_and_all_of_them_are_there() -> None:
    deep = replace(CRASHED, stacks=((*CRASHED.stacks[0][:2], *harness(30)),))
    data = page_data(*made([with_threads(deep, MAIN)]))
    crashed, main = run_of(data)["threads"]
    assert data["lines"][crashed["stacks"][0][-1]] == ("", "(30 frames of pytest and this plugin)")
    (whole,) = crashed["whole"]
    assert len(whole) == 32
    assert main["whole"] == []


def test_idle_threads_stand_apart() -> None:
    cleaner = replace(MAIN, name="Common-Cleaner")
    run = run_of(page_data(*made([with_threads(CRASHED, cleaner, MAIN)])))
    assert [thread["title"].partition(" (")[0] for thread in run["threads"]] == ['"pool-1-thread-1"', '"MainThread"']
    assert [thread["title"].partition(" (")[0] for thread in run["idle"]] == ['"Common-Cleaner"']
    alone = run_of(page_data(*made([with_threads(replace(cleaner, current=True))])))
    assert "idle" not in alone


def test_all_that_the_terminal_says_is_in_the_report_of_a_run() -> None:
    record = replace(
        HUNG, nodeid="t.py::test_x[new]", mode="new", at=Place("t.py", 3, "x()"), uncaught=("boom",), jvm_start=0.5
    )
    run = run_of(page_data(*made([entry_of(record)])))
    assert (run["at"], run["uncaught"]) == ("t.py:3: x()", ["boom"])
    assert run["facts"] == "in call, after 0.31 s, 3 looks at its stacks, the JVM's start 0.50 s"
    assert any("--foreign-thread-modes=main,new" in step for step in run["next_steps"])
    assert run_of(page_data(*made([with_threads(CRASHED)])))["fault"].startswith(
        "SIGSEGV at address 0x10 (null pointer"
    )


RUN: Final = {"finished": "2026-11-29T09:41:07+00:00", "command": ["pytest", "-k", "a b", "<script>"]}


def test_the_page_has_date_command_totals_chart_and_legend() -> None:
    entries = [*row("t.py::test_x", main=PASSED, new=HANG), *row("t.py::test_y", main=PASSED, new=PASSED, mine=PASSED)]
    page = Page(render(*made(entries), ENVIRONMENT, RUN))
    words = " ".join(" ".join(page.words).split())
    assert "2 tests in 4 modes, 5 runs: 4 passed, 1 hang" in words
    assert "finished 2026-11-29 09:41:07 UTC" in words
    assert "command pytest -k 'a b' '<script>'" in words
    for reported in ("main 2 passed", "new 1 passed, 1 hang", "pool no runs", "mine 1 passed"):
        assert reported in words
    assert "hang one of its phases passed its deadline" in words
    assert "segfault" not in words
    assert "new a callback on a thread that Java makes for it" in words
    assert "mine a mode of the project's own" in words
    assert "foreign-unsafe hold in main, break on a foreign thread" in words
    assert len(page.named("script")) == 2


def test_without_a_matrix_there_are_no_verdicts() -> None:
    matrix, entries = made(row("t.py::test_x", new=HANG))
    page = Page(render(matrix, entries, ENVIRONMENT, RUN, asked=False))
    words = " ".join(page.words)
    assert "Foreign-thread tests" in words
    assert not any(word in words.lower() for word in ("verdicts", "unknown", "matrix"))
    data = page_data(matrix, entries, asked=False)
    assert (data["verdicts"], data["rows"][0]["how"]) == (False, "timed out after 5 s")


def test_every_word_has_its_meaning() -> None:
    assert (set(legend.OUTCOMES), set(legend.VERDICTS)) == (set(Outcome), set(Verdict))


def test_what_a_thread_does() -> None:
    (thread, _) = run_of(page_data(*made([with_threads(WAITING, MAIN)])))["threads"]
    assert thread["state"] == (
        'crashed; holds the GIL; waits for monitor <0x2>, which "MainThread" holds; BLOCKED; was moving: f (t.py:3)'
    )
    assert thread["locks"] == ["- locked <0x1>"]


def test_each_line_of_a_stack_is_there_once() -> None:
    data = page_data(*made([with_threads(CRASHED, MAIN)] * 3))
    assert len(data["lines"]) == len(set(data["lines"])) == 4


@pytest.mark.parametrize("thread", [CRASHED, MAIN, WAITING, replace(CRASHED, stacks=(), apart="no order")])
def test_threads_come_back_from_the_entry(thread: Thread) -> None:
    assert threads_of(with_threads(thread)) == (thread,)


def test_an_exit_status_is_a_fact() -> None:
    crash = {**entry("t.py::test_x[new]", "new", Outcome.CRASH), "exit_code": 0}
    assert run_of(page_data(*made([crash])))["facts"] == "in call, after 0.25 s, exit status 0"


def test_the_page_has_its_filters_and_the_environment() -> None:
    page = Page(render(*made(row("t.py::test_x", main=PASSED, new=HANG)), ENVIRONMENT))
    assert [button["data-verdict"] for button in page.named("button") if "data-verdict" in button] == ["foreign-unsafe"]
    assert {field["id"] for field in [*page.named("input"), *page.named("select")]} == {"text", "outcome", "mode"}
    words = [word.strip() for word in page.words]
    assert {"python", "3.11.9", "jvm version", "25.0.2"} <= set(words)
    assert {"hang", "passed", "main", "new", "pool"} <= set(words)
    assert "jpype" not in words


def test_the_page_holds_the_data() -> None:
    matrix, entries = made([with_threads(CRASHED, MAIN), *row("t.py::test_y", main=PASSED)])
    page = Page(render(matrix, entries, ENVIRONMENT))
    assert json.loads(page.scripts[0]) == json.loads(json.dumps(page_data(matrix, entries)))


def test_nothing_that_a_test_prints_breaks_out_of_the_page() -> None:
    harmless = render(*made([with_threads(CRASHED)]), ENVIRONMENT)
    bad: Entry = {**with_threads(CRASHED), "nodeid": f"t.py::test_x[{HOSTILE}-new]", "message": HOSTILE}
    bad["diagnosis"] = {"code": HOSTILE, "text": HOSTILE, "help": HOSTILE, "evidence": [HOSTILE]}
    page = Page(render(*made([bad]), {**ENVIRONMENT, "platform": HOSTILE}))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in Page(harmless).elements]
    assert run_of(json.loads(page.scripts[0]))["message"] == HOSTILE
    assert any(HOSTILE in word for word in page.words)


def test_the_script_makes_text_of_what_it_is_given() -> None:
    script = Page(render(*made([]), {})).scripts[1]
    assert "textContent" in script or "append" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


def test_the_page_asks_nothing_of_the_network() -> None:
    page = Page(render(*made(row("t.py::test_x", new=HANG)), ENVIRONMENT))
    assert [attributes for _, attributes in page.elements if "src" in attributes] == []
    assert [link["href"] for link in page.named("link")] == ["data:,"]
    policies = [meta["content"] for meta in page.named("meta") if "http-equiv" in meta]
    assert [(policy or "").partition(";")[0] for policy in policies] == ["default-src 'none'"]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", "".join([*page.words, *page.scripts]))


def test_a_name_that_is_no_utf_8_can_be_written() -> None:
    text = render(*made(row("t\udc80.py::test_x", new=HANG)), {"platform": "\udc80"})
    assert text.encode("utf-8")
    assert json.loads(Page(text).scripts[0])["rows"][0]["file"] == "t\udc80.py"


def test_thousands_of_passes_take_little_room() -> None:
    entries = [one for n in range(1000) for one in row(f"t.py::test_{n}", main=PASSED, new=PASSED, pool=PASSED)]
    assert len(render(*made(entries), ENVIRONMENT)) < 700_000
