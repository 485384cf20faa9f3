"""How far a run is, as one line."""

from __future__ import annotations

from typing import Final
from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.report.live_text import Progress, Running, clock, duration, live_line
from pytest_foreignthread.report.screen import Line, Screen

OUTCOMES: Final = {
    Outcome.SKIPPED: 16,
    Outcome.PASSED: 790,
    Outcome.FAILED: 3,
    Outcome.HANG: 1,
    Outcome.SEGFAULT: 2,
    Outcome.CRASH: 0,
}
ONE: Final = Running("tests/test_x.py::test_y[pool]", 3.4)
STRESSED: Final = Running("tests/test_x.py::test_y", 3.4, "(native) round 37 of 400, 2 failed")
MANY: Final = (Running("t.py::test_a[new]", 1.0), Running("t.py::test_b[new]", 75.9), Running("t.py::test_c[new]", 2))
WIDE: Final = Running("tests/test_x.py::test_東京都千代田区[東京-pool]", 3.4)
SHOWN: Final[dict[str, tuple[Progress, Screen, str]]] = {
    "all there is": (
        Progress(812, 5000, OUTCOMES, (ONE,), 130.0),
        Screen(120),
        " 812/5000  passed 790  failed 3  segfault 2  hang 1  skipped 16"
        " | tests/test_x.py::test_y[pool] 3 s | 2:10 left",
    ),
    "a shorter name": (
        Progress(812, 5000, OUTCOMES, (ONE,), 130.0),
        Screen(100),
        " 812/5000  passed 790  failed 3  segfault 2  hang 1  skipped 16 | tests/…est_y[pool] 3 s | 2:10 left",
    ),
    "no time left": (
        Progress(812, 5000, OUTCOMES, (ONE,), 130.0),
        Screen(90),
        " 812/5000  passed 790  failed 3  segfault 2  hang 1  skipped 16 | tests/t…test_y[pool] 3 s",
    ),
    "no name": (
        Progress(812, 5000, OUTCOMES, (ONE,), 130.0),
        Screen(80),
        " 812/5000  passed 790  failed 3  segfault 2  hang 1  skipped 16",
    ),
    "not all outcomes": (
        Progress(812, 5000, OUTCOMES, (ONE,), 130.0),
        Screen(40),
        " 812/5000  passed 790  failed 3",
    ),
    "numbers alone": (Progress(812, 5000, OUTCOMES, (ONE,), 130.0), Screen(12), " 812/5000"),
    "nothing fits": (Progress(812, 5000, OUTCOMES, (ONE,), 130.0), Screen(8), ""),
    "the start": (Progress(0, 5000, {}, (Running("t.py::test_a", 0.2),)), Screen(80), " 0/5000 | t.py::test_a"),
    "between two tests": (
        Progress(7, 9, {Outcome.PASSED: 7}, (), 5.0),
        Screen(80),
        " 7/9  passed 7 | 0:05 left",
    ),
    "several at once": (
        Progress(7, 90, {Outcome.PASSED: 7}, MANY, 3730.0),
        Screen(80),
        " 7/90  passed 7 | 3 running: t.py::test_b[new] 1:15 min | 1:02:10 left",
    ),
    "rounds": (
        Progress(7, 90, {Outcome.PASSED: 7}, (STRESSED,), 3730.0),
        Screen(110),
        " 7/90  passed 7 | tests/test_x.py::test_y (native) round 37 of 400, 2 failed 3 s | 1:02:10 left",
    ),
    "no room for rounds": (
        Progress(7, 90, {Outcome.PASSED: 7}, (STRESSED,)),
        Screen(60),
        " 7/90  passed 7 | tests/test_x.py::test_y 3 s",
    ),
    "wide characters": (
        Progress(7, 90, {Outcome.PASSED: 7}, (WIDE,)),
        Screen(59),
        " 7/90  passed 7 | tests/test_x…京都千代田区[東京-pool] 3 s",
    ),
    "no unicode": (
        Progress(7, 90, {Outcome.PASSED: 7}, (Running("tests/test_é.py::test_y[\x1b[31m\n]", 3.4),)),
        Screen(48, unicode=False),
        " 7/90  passed 7 | tests/te..st_y[\\x1b[31m\\n] 3 s",
    ),
}


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def columns(text: str) -> int:
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


@pytest.mark.parametrize("name", SHOWN)
def test_the_line(name: str) -> None:
    progress, screen, expected = SHOWN[name]
    assert text_of(live_line(progress, screen)) == expected


COUNTS: Final = st.dictionaries(st.sampled_from(list(Outcome)), st.integers(0, 10**6))
RUNNING: Final = st.lists(st.builds(Running, st.text(), st.floats(0, 1e6)), max_size=3)


@given(
    st.builds(Progress, st.integers(0, 10**6), st.integers(0, 10**6), COUNTS, RUNNING),
    st.integers(1, 120),
    st.booleans(),
)
def test_it_never_is_too_wide_and_holds_nothing_that_a_terminal_obeys(
    progress: Progress, width: int, unicode: bool
) -> None:
    text = text_of(live_line(progress, Screen(width, unicode=unicode)))
    assert columns(text) <= width
    assert text.isprintable()
    assert unicode or text.isascii()


def test_outcomes_have_their_colours() -> None:
    line = live_line(Progress(3, 3, {Outcome.PASSED: 1, Outcome.FAILED: 1, Outcome.HANG: 1}), Screen())
    markup = {span.text.split()[0]: span.markup for span in line}
    assert markup["passed"] == ("green",)
    assert markup["failed"] == ("red",)
    assert markup["hang"] == ("red", "bold")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (130, "2:10"), (3599.7, "1:00:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(1.0, "1 s"), (59.9, "59 s"), (60, "1:00 min"), (3725, "1:02:05 h")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
