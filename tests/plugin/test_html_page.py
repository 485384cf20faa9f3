"""The HTML report in a real browser: filters, reports behind the cells, keyboard, sizes and colours."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.matrix.verdicts import matrix_of
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.report.html_report import render

from ..unit.sample_entries import ENVIRONMENT, Entry, diagnosed, entry, row
from ..unit.sample_tally import stressed
from .browser import Browser, executable

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
SEGFAULT, HANG = Outcome.SEGFAULT, Outcome.HANG
MODES: Final = ("main", "new", "pool")
LATE: Final = "test_bridge.py::test_late"
HOSTILE: Final = "</script><img src=x onerror=alert(1)><b>bold</b>"
ENTRIES: Final = [
    *row("test_a.py::test_sound", main=PASSED, new=PASSED, pool=PASSED),
    *row("test_a.py::test_wrong", main=FAILED, new=FAILED, pool=FAILED),
    *row(f"test_a.py::test_hostile[{HOSTILE}]", main=PASSED, new=PASSED, pool=PASSED),
    *diagnosed(row(LATE, main=PASSED, new=SEGFAULT, pool=HANG), "late-callback"),
    *row("test_bridge.py::test_seldom", main=PASSED, new=(PASSED, HANG, PASSED)),
    *row("test_bridge.py::test_skipped", main=PASSED, pool=SKIPPED),
]
SOUND, WRONG, NAMED, BRIDGE, SELDOM, SKIP = (
    "test_sound",
    "test_wrong",
    f"test_hostile[{HOSTILE}]",
    "test_late",
    "test_seldom",
    "test_skipped",
)
ALL: Final = [SOUND, WRONG, NAMED, BRIDGE, SELDOM, SKIP]


def names(page: Browser) -> list[str]:
    """The rows' names, once all are there: the first come at once, the others frame by frame."""
    page.until("document.querySelectorAll('.test').length === parseInt(document.getElementById('count').textContent)")
    found: list[str] = page.evaluate(NAMES)
    return found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    command = executable()
    if command is None:
        pytest.skip("no Chromium is installed, in which the page could be looked at")
    profile = tmp_path_factory.mktemp("profile")
    browser = Browser(command, profile)
    try:
        browser.attach()
        yield browser
    finally:
        browser.close()
    assert processes_with(str(profile)) == []


def processes_with(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in command:
            found.append(command)
    return found


Show = Callable[[list[Entry]], Browser]


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Show]:
    def shown(entries: list[Entry]) -> Browser:
        path = tmp_path / "report.html"
        path.write_text(render(matrix_of(entries, MODES), entries, ENVIRONMENT), encoding="utf-8")
        chromium.look_like(1280, 900, "light")
        chromium.open(path)
        return chromium

    yield shown
    problems, chromium.problems = chromium.problems, []
    assert problems == []


@pytest.fixture
def page(show: Show) -> Browser:
    return show(ENTRIES)


NAMES: Final = "[...document.querySelectorAll('.test')].map((row) => row.querySelector('.name').firstChild.textContent)"
COLUMNS: Final = "[...document.querySelectorAll('.head > *')].map((one) => one.textContent).slice(1, -1)"
CELLS: Final = (
    "[...document.querySelectorAll('.test')].map((row) => [...row.querySelectorAll('.cell')].map((c) => c.textContent))"
)
COUNT: Final = "document.getElementById('count').textContent"
TITLE: Final = "document.getElementById('report-title').textContent"
BODY: Final = "document.getElementById('report-body').innerText"
IS_OPEN: Final = "document.getElementById('report').open"
FOCUSED: Final = "document.activeElement.getAttribute('aria-label')"
SHOWN: Final = "(one) => { const box = one.getBoundingClientRect(); return box.width > 0 && box.height > 0; }"


def cell(test: str, mode: str) -> str:
    """Return the expression for the cell of a test in a mode."""
    row = f"[...document.querySelectorAll('.test')].find((one) => one.textContent.startsWith({json.dumps(test)}))"
    return f"{row}.querySelector('[data-mode={mode}]')"


def button(verdict: str) -> str:
    return f"document.querySelector('[data-verdict={verdict}]')"


def field(name: str) -> str:
    return f"document.getElementById('{name}')"


def choose(page: Browser, name: str, value: str) -> None:
    page.evaluate(f"(({field(name)}.value = '{value}'), {field(name)}.dispatchEvent(new Event('input')), 0)")


def test_the_grid_shows_what_the_data_says(page: Browser) -> None:
    assert names(page) == ALL
    assert page.evaluate(COLUMNS) == list(MODES)
    assert page.evaluate(CELLS) == [
        ["passed", "passed", "passed"],
        ["failed", "failed", "failed"],
        ["passed", "passed", "passed"],
        ["passed", "segfault", "hang"],
        ["passed", "hang 1/3", "–"],
        ["passed", "–", "skipped"],
    ]
    assert page.evaluate(COUNT) == "6 of 6 tests"
    assert page.evaluate(f"[...document.querySelectorAll('.test, .head, .file')].every({SHOWN})")


@pytest.mark.parametrize(
    ("verdict", "tests"),
    [
        ("sound", [SOUND, NAMED]),
        ("broken", [WRONG]),
        ("foreign-unsafe", [BRIDGE]),
        ("flaky", [SELDOM]),
        ("unknown", [SKIP]),
    ],
)
def test_by_verdict_and_back(page: Browser, verdict: str, tests: list[str]) -> None:
    page.click(button(verdict))
    assert names(page) == tests
    assert page.evaluate(COUNT) == f"{len(tests)} of 6 tests"
    pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((one) => one.dataset.verdict)"
    assert page.evaluate(pressed) == [verdict]
    page.click(button(verdict))
    assert names(page) == ALL
    assert page.evaluate(pressed) == []


@pytest.mark.parametrize(
    ("outcome", "tests"),
    [
        ("passed", [SOUND, NAMED, BRIDGE, SELDOM, SKIP]),
        ("failed", [WRONG]),
        ("segfault", [BRIDGE]),
        ("hang", [BRIDGE, SELDOM]),
        ("skipped", [SKIP]),
    ],
)
def test_by_outcome(page: Browser, outcome: str, tests: list[str]) -> None:
    choose(page, "outcome", outcome)
    assert names(page) == tests


def test_an_outcome_of_any_repeat_counts(page: Browser) -> None:
    choose(page, "mode", "new")
    choose(page, "outcome", "passed")
    assert names(page) == [SOUND, NAMED, SELDOM]


@pytest.mark.parametrize(
    ("mode", "tests"), [("main", ALL), ("new", [*ALL[:5]]), ("pool", [SOUND, WRONG, NAMED, BRIDGE, SKIP])]
)
def test_by_mode(page: Browser, mode: str, tests: list[str]) -> None:
    choose(page, "mode", mode)
    assert names(page) == tests
    assert page.evaluate(COLUMNS) == [mode]


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("LATE", [BRIDGE]),
        ("test_a.py", [SOUND, WRONG, NAMED]),
        ("late-callback", [BRIDGE]),
        ("timed out after", [BRIDGE, SELDOM]),
        ("bridge hang", [BRIDGE, SELDOM]),
        ("onerror=alert", [NAMED]),
        ("nothing like it", []),
    ],
)
def test_by_text_that_is_typed(page: Browser, text: str, tests: list[str]) -> None:
    page.click(field("text"))
    page.type(text)
    assert names(page) == tests
    assert page.evaluate("document.querySelector('.empty') !== null") is (tests == [])


def test_all_filters_at_once_and_none_again(page: Browser) -> None:
    page.click(button("foreign-unsafe"))
    choose(page, "outcome", "hang")
    choose(page, "mode", "pool")
    page.click(field("text"))
    page.type("bridge")
    assert names(page) == [BRIDGE]
    choose(page, "mode", "new")
    assert names(page) == []
    page.click("document.querySelector('[type=reset]')")
    page.until(f"{COUNT} === '6 of 6 tests'")
    assert names(page) == ALL
    assert page.evaluate(COLUMNS) == list(MODES)


def test_a_click_opens_the_report_and_escape_closes_it(page: Browser) -> None:
    page.click(cell("test_late", "new"))
    assert page.evaluate(IS_OPEN)
    assert page.evaluate(TITLE) == f"{LATE} in new"
    body = page.evaluate(BODY)
    for words in (
        "segfault",
        "SIGSEGV",
        "late-callback: what late-callback means",
        "help: what to do",
        "/kept/a/hs_err.txt",
    ):
        assert words in body
    assert f"pytest '{LATE}[new]'" in body
    assert "_PyEval_EvalFrameDefault" in body
    page.press("Escape")
    assert not page.evaluate(IS_OPEN)


def test_a_click_beside_the_report_closes_it(page: Browser) -> None:
    page.click(cell("test_sound", "main"))
    assert page.evaluate(IS_OPEN)
    place = {"x": 5, "y": 5, "button": "left", "clickCount": 1}
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, **place)
    assert not page.evaluate(IS_OPEN)


def test_the_report_of_each_repeat(page: Browser) -> None:
    page.click(cell("test_seldom", "new"))
    headings = page.evaluate("[...document.querySelectorAll('#report-body h3')].map((one) => one.textContent)")
    assert [one.partition(" in call")[0] for one in headings] == [
        "Run 1 of 3: passed",
        "Run 2 of 3: hang",
        "Run 3 of 3: passed",
    ]


def test_by_keyboard_alone(page: Browser) -> None:
    page.press("/")
    page.type("bridge")
    assert names(page) == [BRIDGE, SELDOM, SKIP]
    page.press("Escape")
    assert page.evaluate(FOCUSED) == "main: passed"
    page.press("ArrowRight", "ArrowRight")
    assert page.evaluate(FOCUSED) == "pool: hang"
    page.press("ArrowDown")
    assert page.evaluate(FOCUSED) == "pool: not run"
    page.press("ArrowLeft")
    assert page.evaluate(FOCUSED) == "new: hang 1/3"
    page.press("ArrowUp", "Enter")
    assert page.evaluate(IS_OPEN)
    assert page.evaluate(TITLE) == f"{LATE} in new"
    page.press("Escape")
    assert not page.evaluate(IS_OPEN)
    assert page.evaluate(FOCUSED) == "new: segfault"
    page.press("Home")
    assert page.evaluate(FOCUSED) == "main: passed"


def test_a_name_is_text_whatever_it_looks_like(page: Browser) -> None:
    page.click(cell("test_hostile", "new"))
    assert HOSTILE in page.evaluate(TITLE)
    assert page.evaluate("document.querySelectorAll('img, b b, .name b').length") == 0


def test_the_diagnosis_comes_first_and_frames_are_folded(page: Browser) -> None:
    page.click(cell("test_late", "new"))
    kinds = "[...document.getElementById('report-body').children].map((one) => one.className || one.tagName)"
    assert page.evaluate(kinds)[:2] == ["H3", "diagnosis"]


PRINTED: Final = "document.getElementById('printed').innerText"
CLOSED: Final = "document.querySelectorAll('details:not([open]):not(.whole)').length"


def test_on_paper_all_is_open_and_on_the_screen_it_is_as_before(page: Browser) -> None:
    before = page.evaluate(CLOSED)
    assert before > 0
    page.call("Emulation.setEmulatedMedia", media="print")
    page.evaluate("(dispatchEvent(new Event('beforeprint')), 0)")
    assert page.evaluate(CLOSED) == 0
    assert page.evaluate("getComputedStyle(document.querySelector('.head')).position") == "static"
    words = page.evaluate(PRINTED)
    for reported in (f"{LATE} in new", "what late-callback means", "test_wrong in pool", "test_seldom in new"):
        assert reported in words
    assert "test_sound" not in words
    shown = "(name) => getComputedStyle(document.querySelector(name)).display"
    assert page.evaluate(f"['#filters', '.keys', 'dialog'].map({shown})") == ["none"] * 3
    page.evaluate("(dispatchEvent(new Event('afterprint')), 0)")
    page.call("Emulation.setEmulatedMedia", media="")
    assert page.evaluate(CLOSED) == before
    assert page.evaluate(PRINTED) == ""


def test_the_chart_has_a_bar_for_each_mode(page: Browser) -> None:
    rows = "[...document.querySelectorAll('.chart tr')].map((one) => one.innerText.replace(/\\s+/g, ' ').trim())"
    assert page.evaluate(rows) == [
        "main 5 passed, 1 failed",
        "new 4 passed, 1 failed, 1 segfault, 1 hang",
        "pool 2 passed, 1 failed, 1 skipped, 1 hang",
    ]
    inside = "[...document.querySelectorAll('.bar')].every((one) => one.scrollWidth <= one.clientWidth)"
    for width in (1280, 768, 380):
        page.look_like(width, 900, "light")
        assert page.evaluate(inside)


def test_without_a_matrix_there_is_no_verdict(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(matrix_of(ENTRIES, ()), ENTRIES, ENVIRONMENT, asked=False), encoding="utf-8")
    chromium.open(path)
    assert names(chromium) == ALL
    assert chromium.evaluate("document.querySelectorAll('.verdict').length") == 0
    assert chromium.evaluate("[...document.querySelectorAll('.head > *')].at(-1).textContent") == "pool"


SIZES: Final = {"desktop": (1280, 900), "tablet": (768, 1024), "phone": (380, 800)}
BACKGROUNDS: Final = {"light": (0xFF, 0xFF, 0xFF), "dark": (0x14, 0x18, 0x1F)}


@pytest.mark.parametrize("scheme", BACKGROUNDS)
@pytest.mark.parametrize("device", SIZES)
@pytest.mark.parametrize("view", ["grid", "report"])
def test_it_fits_each_screen_in_its_colours(page: Browser, device: str, scheme: str, view: str) -> None:
    page.look_like(*SIZES[device], scheme)
    # Only the phone has too little room for columns.
    page.until(f"document.querySelector('.stacked') !== null === {json.dumps(device == 'phone')}")
    assert names(page) == ALL
    if view == "report":
        page.click(cell("test_late", "new"))
    wide = (
        "[document.documentElement, document.getElementById('report')].map((one) => one.scrollWidth - one.clientWidth)"
    )
    assert max(page.evaluate(wide)) <= 0
    inside = "(one) => { const box = one.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; }"
    assert page.evaluate(f"[...document.querySelectorAll('.cell, .name, input, select, button')].every({inside})")
    image = page.screenshot()
    keep(image, f"{device}-{scheme}-{view}.png")
    size, lines = pixels(image)
    assert size == SIZES[device]
    assert len(set(lines)) > 50
    if view == "grid":
        assert tuple(lines[0][1:4]) == BACKGROUNDS[scheme]


STRESSED: Final = "test_rare.py::test_it"
ROUNDS: Final[list[Entry]] = [
    *row(STRESSED, main=PASSED),
    {**entry(f"{STRESSED}[new]", "new", SEGFAULT), "stress": stressed()},
]


@pytest.mark.parametrize("scheme", BACKGROUNDS)
@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_the_rounds_of_a_stressed_test(show: Show, device: str, scheme: str) -> None:
    page = show(ROUNDS)
    page.look_like(*SIZES[device], scheme)
    page.until(f"document.querySelector('.stacked') !== null === {json.dumps(device == 'phone')}")
    assert page.evaluate(f"{cell('test_it', 'new')}.textContent") == "segfault 8/3000"
    page.click(cell("test_it", "new"))
    body = page.evaluate(BODY)
    for reported in (
        "9 of 3000 rounds died (8 segfault, 1 hang)",
        "a round took 1 ms (median), 1 ms to 2 ms, run seed 7",
        "8× segfault <b>SIGSEGV</b>",
        "first in round 2901, seed 7:2901: shaken",
        "smallest setting that failed: delay at submit 780 µs, pool of 1 (7 of 20 rounds)",
        "without pool of 1: 0 of 20 rounds (under 14 % with 95 % confidence)",
        "pytest test_it.py::test --foreign-thread-stress=20 --foreign-thread-stress-seed=7:398:submit/4,pool",
    ):
        assert reported in body
    bars = "[...document.querySelectorAll('.course g')].map((bar) => bar.querySelectorAll('rect').length)"
    found = page.evaluate(bars)
    assert (len(found), sum(found)) == (47, 47 + 2)
    assert page.evaluate("document.querySelector('.course title').textContent") == "rounds 1 to 64: 64 passed"
    # Each bar is to be seen, also that of one failure in a bin of many rounds.
    shown = f"[...document.querySelectorAll('.course rect')].every({SHOWN})"
    assert page.evaluate(shown)
    wide = "[document.documentElement, document.getElementById('report')].map((o) => o.scrollWidth - o.clientWidth)"
    assert max(page.evaluate(wide)) <= 0
    page.click("document.querySelector('.rows .seed')")
    assert page.evaluate("getSelection().toString()") == "7:2901"
    page.evaluate("document.getElementById('report').scrollTop = 0")
    keep(page.screenshot(), f"{device}-{scheme}-rounds.png")


def keep(image: bytes, name: str) -> None:
    """Leave it for a look where the environment names a folder."""
    if folder := os.environ.get("PYTEST_FOREIGNTHREAD_SCREENSHOTS"):
        (Path(folder) / name).write_bytes(image)


def pixels(png: bytes) -> tuple[tuple[int, int], list[bytes]]:
    """Return size and lines, each as it is filtered: a blank image has few that differ; the first pixel is plain."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: list[tuple[bytes, bytes]] = []
    place = 8
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        chunks.append((kind, png[place + 8 : place + 8 + length]))
        place += 12 + length
    width, height, depth, colour = struct.unpack_from(">IIBB", chunks[0][1])
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    assert (depth, colour) in ((8, 2), (8, 6))
    step = 1 + width * (3 if colour == 2 else 4)
    return (width, height), [raw[start : start + step] for start in range(0, height * step, step)]


def many(number: int) -> list[Entry]:
    plain = [
        entry for n in range(number - 1) for entry in row(f"test_{n // 100}.py::test_{n}", main=PASSED, new=PASSED)
    ]
    return [*plain, *row("test_last.py::test_it_breaks", main=PASSED, new=HANG)]


def test_five_thousand_tests(show: Show) -> None:
    page = show(many(5000))
    assert page.evaluate(COUNT) == "5000 of 5000 tests"
    assert names(page) == [*(f"test_{n}" for n in range(4999)), "test_it_breaks"]
    page.click(field("text"))
    page.type("breaks")
    assert names(page) == ["test_it_breaks"]
    page.press("Escape")
    page.click(cell("test_it_breaks", "new"))
    assert page.evaluate(TITLE) == "test_last.py::test_it_breaks in new"
    page.press("Escape")
    page.click("document.querySelector('[type=reset]')")
    page.click(button("sound"))
    assert len(names(page)) == 4999
    assert page.evaluate(COUNT) == "4999 of 5000 tests"


def test_a_page_without_a_test(show: Show) -> None:
    page = show([])
    assert names(page) == []
    assert page.evaluate(COUNT) == "0 of 0 tests"
    page.press("ArrowDown", "/", "Escape")
