"""Known outcomes: the file and back, and what a run changes in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_foreignthread.matrix.baseline.changes import NO_REASON, Change, compare, update
from pytest_foreignthread.matrix.baseline.file import BaselineError, parse, read, render
from pytest_foreignthread.matrix.baseline.known import HEADER, Baseline, Known, outcomes_of, words_of
from pytest_foreignthread.matrix.verdicts import Cell, Matrix, row_of
from pytest_foreignthread.model.outcomes import Outcome

PASSED, FAILED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED
SEGFAULT, HANG = Outcome.SEGFAULT, Outcome.HANG
TODAY: Final = date(2027, 1, 31)

TEXT: Final = """\
# Ours.

# About x.
tests/test_a.py::test_x[1] | new=segfault, pool=hang/passed | a race | link=https://host/7 | until=2027-01-31

# About y,
# on two lines.
"tests/test_a.py::test_y[a|b]" | new=failed | "why | why"
# The end.
"""


def one(test: str = "a.py::t", reason: str = "because", **modes: str) -> Known:
    return Known(test, {mode: outcomes_of(words) for mode, words in modes.items()}, reason)


def of(*tests: Known) -> Baseline:
    return Baseline({known.test: known for known in tests})


def ran(test: str = "a.py::t", **modes: Outcome | tuple[Outcome, ...]) -> Matrix:
    cells = {mode: Cell(given if isinstance(given, tuple) else (given,)) for mode, given in modes.items()}
    return Matrix(tuple(modes), (row_of(test, cells),))


def stressed(**rounds: int) -> Matrix:
    """Return the matrix of a test that ran in rounds in mode `new`; the first outcome stands for all."""
    counts = {Outcome(word): number for word, number in rounds.items()}
    return Matrix(("new",), (row_of("a.py::t", {"new": Cell((next(iter(counts)),), rounds=counts)}),))


ROUNDS: Final[list[tuple[Matrix, str, Change | None, str]]] = [
    (stressed(hang=3, passed=397), "hang", None, "hang"),
    (stressed(hang=3, passed=397), "hang/passed", None, "hang/passed"),
    (stressed(segfault=1, hang=3, passed=396), "hang", Change.CHANGED, "hang/passed/segfault"),
    (stressed(passed=400), "hang", Change.STALE, ""),
]


@pytest.mark.parametrize(("matrix", "known", "change", "updated"), ROUNDS)
def test_rounds_that_pass_do_not_contradict_a_known_failure(
    matrix: Matrix, known: str, change: Change | None, updated: str
) -> None:
    baseline = of(one(new=known))
    assert [found.change for found in compare(baseline, matrix, TODAY)] == ([] if change is None else [change])
    tests = update(baseline, matrix, complete=False).tests
    assert {name: set(one.outcomes["new"]) for name, one in tests.items()} == (
        {"a.py::t": set(outcomes_of(updated))} if updated else {}
    )


def test_parse_field_by_field() -> None:
    baseline = parse(TEXT, "known.txt")
    assert baseline.header == ("# Ours.", "# About x.")
    assert list(baseline.tests.values()) == [
        Known(
            "tests/test_a.py::test_x[1]",
            {"new": frozenset({SEGFAULT}), "pool": frozenset({HANG, PASSED})},
            "a race",
            "https://host/7",
            date(2027, 1, 31),
            line=4,
        ),
        Known(
            "tests/test_a.py::test_y[a|b]",
            {"new": frozenset({FAILED})},
            "why | why",
            comments=("# About y,", "# on two lines."),
            line=8,
        ),
    ]
    assert baseline.footer == ("# The end.",)


def test_render_sorts_tests_and_modes_and_keeps_comments() -> None:
    baseline = of(one("b.py::t", pool="hang", new="passed/hang"), Known("a.py::t", {"x": frozenset({HANG})}, "r"))
    assert render(baseline).splitlines() == [
        *HEADER,
        "a.py::t | x=hang | r",
        "b.py::t | new=hang/passed, pool=hang | because",
    ]
    assert render(parse(TEXT, "known.txt")) == "".join(f"{line}\n" for line in TEXT.splitlines() if line)


@pytest.mark.parametrize("text", ["", "\n\n", "# only comments\n"])
def test_no_tests(text: str) -> None:
    assert not parse(text, "known.txt").tests


@pytest.mark.parametrize("text", [TEXT.replace("\n", "\r\n"), TEXT.replace(" | ", "|"), TEXT.replace(" | ", "   |  ")])
def test_other_line_ends_and_spaces_read_the_same(text: str) -> None:
    assert parse(text, "known.txt").tests.keys() == parse(TEXT, "known.txt").tests.keys()


WRONG: Final = {
    "a conflict of a merge": ("<<<<<<< HEAD", "expected `test | mode=outcome | reason`"),
    "two fields": ("a.py::t | new=hang", "expected `test | mode=outcome | reason`"),
    "no test": ("| new=hang | r", "expected `test | mode=outcome | reason`"),
    "no reason": ("a.py::t | new=hang | | link=x", "no reason: say in the third field"),
    "no outcome": ("a.py::t | new | r", "expected `mode=outcome` in the second field, got 'new'"),
    "no mode": ("a.py::t | =hang | r", "expected `mode=outcome` in the second field, got '=hang'"),
    "empty outcomes": ("a.py::t | | r", "expected `mode=outcome` in the second field, got ''"),
    "an unknown outcome": ("a.py::t | new=segv | r", "no outcome: 'segv': expected one of passed, failed"),
    "a mode twice": ("a.py::t | new=hang, new=crash | r", "mode 'new' is there twice: write new=one/other"),
    "an unknown field": ("a.py::t | new=hang | r | owner=me", "expected `link=…` and `until=YYYY-MM-DD`"),
    "a field twice": ("a.py::t | new=hang | r | link=a | link=b", "each once, got 'link=b'"),
    "no such day": (
        "a.py::t | new=hang | r | until=2027-02-30",
        "2027-01-31, got 2027-02-30",
    ),
    "a string without an end": ('"a.py::t | new=hang | r', "is a JSON string, this one is not"),
    "a string with a rest": (
        '"a.py::t" new | new=hang | r',
        "expected `|` behind the JSON string, got 'new | new=hang | r'",
    ),
    "a test twice": ("a.py::z | new=hang | r", "the test of line 1 again: make one line of the two"),
}


@pytest.mark.parametrize(("line", "problem"), WRONG.values(), ids=WRONG)
def test_an_error_names_file_and_line_and_what_to_do(line: str, problem: str) -> None:
    with pytest.raises(BaselineError) as raised:
        parse(f"a.py::z | new=hang | r\n\n{line}\n", "known.txt")
    assert str(raised.value).startswith("known.txt:3: ")
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert read(path) == parse(TEXT, str(path))


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (lambda path: None, "no baseline at "),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"# \xff"), "not UTF-8 at byte 2: save it as UTF-8"),
    ],
    ids=["absent", "a directory", "not UTF-8"],
)
def test_a_file_that_cannot_be_read(prepare: Callable[[Path], object], problem: str, tmp_path: Path) -> None:
    prepare(tmp_path / "known.txt")
    with pytest.raises(BaselineError) as raised:
        read(tmp_path / "known.txt")
    assert str(tmp_path / "known.txt") in str(raised.value)
    assert problem in str(raised.value)


# No deadline: a machine may be busy.
unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

ANY_TEXT: Final = st.text(st.characters(exclude_categories=()), min_size=1, max_size=20)
MODES: Final = st.from_regex(r"[a-z][\w.-]{0,8}", fullmatch=True)
OUTCOMES: Final = st.frozensets(st.sampled_from(list(Outcome)), min_size=1, max_size=3)
KNOWN: Final = st.builds(
    Known,
    test=ANY_TEXT,
    outcomes=st.dictionaries(MODES, OUTCOMES, min_size=1, max_size=3),
    reason=ANY_TEXT,
    link=st.none() | ANY_TEXT,
    until=st.none() | st.dates(),
)
BASELINES: Final = st.lists(KNOWN, max_size=4, unique_by=lambda known: known.test).map(lambda tests: of(*tests))


@unhurried
@given(BASELINES)
def test_whatever_is_known_comes_back_from_the_file(baseline: Baseline) -> None:
    text = render(baseline)
    text.encode("utf-8")
    back = parse(text, "known.txt")
    assert list(back.tests) == sorted(baseline.tests)
    for test, known in back.tests.items():
        assert known == Known(**{**vars(baseline.tests[test]), "line": known.line})
    assert render(back) == text


@pytest.mark.parametrize(
    "text", [" a", "a ", "\t", "a|b", "|", '"a', '"', "#a", "a\nb", "a\u2028b", "\udc80", "a\\n", "日本"]
)
def test_a_field_that_could_be_misread_comes_back(text: str) -> None:
    known = Known(text, {"new": frozenset({HANG})}, text, text)
    (back,) = parse(render(of(known)), "known.txt").tests.values()
    assert (back.test, back.reason, back.link) == (text, text, text)


@pytest.mark.parametrize("test", ["tests/test_ü.py::T::test_x[a\\n-[1] = 'q', 2#]", "日本.py::test_x"])
def test_an_id_that_cannot_be_misread_stands_there_as_pytest_prints_it(test: str) -> None:
    assert render(Baseline({test: one(test, new="hang")}, ())) == f"{test} | new=hang | because\n"


@unhurried
@given(BASELINES)
def test_one_test_takes_one_line(baseline: Baseline) -> None:
    assert len(render(baseline).splitlines()) == len(HEADER) + len(baseline.tests)


DIFFERENCES: Final = {
    "holds": (of(), ran(new=PASSED), []),
    "known": (of(one(new="segfault")), ran(new=SEGFAULT, main=PASSED), []),
    "one of those known": (of(one(new="passed/segfault")), ran(new=SEGFAULT), []),
    "a flaky one that holds now": (of(one(new="passed/segfault")), ran(new=PASSED), []),
    "repeats, all known": (of(one(new="passed/segfault")), ran(new=(PASSED, SEGFAULT)), []),
    "skipped": (of(one(new="segfault")), ran(new=SKIPPED), []),
    "not run in the mode": (of(one(new="segfault")), ran(main=PASSED), []),
    "not run at all": (of(one("b.py::t", new="segfault")), ran(new=PASSED), []),
    "breaks": (of(), ran(new=HANG), ["new break: a.py::t in new: hang"]),
    "breaks in another mode": (of(one(new="hang")), ran(new=HANG, pool=HANG), ["new break: a.py::t in pool: hang"]),
    "breaks otherwise": (
        of(one(new="hang")),
        ran(new=SEGFAULT),
        ["changed outcome: a.py::t in new: segfault, known is hang (because)"],
    ),
    "no longer breaks each time": (
        of(one(new="hang")),
        ran(new=(PASSED, HANG)),
        ["changed outcome: a.py::t in new: hang/passed, known is hang (because)"],
    ),
    "holds now": (
        of(one(new="hang", pool="hang")),
        ran(new=PASSED, pool=HANG),
        ["stale entry: a.py::t in new: passed, it no longer breaks (because)"],
    ),
    "the last day": (of(Known("a.py::t", {"new": frozenset({HANG})}, "r", until=TODAY)), ran(new=HANG), []),
    "expired": (
        of(Known("a.py::t", {"new": frozenset({HANG})}, "r", "https://host/7", date(2027, 1, 30), line=7)),
        ran(new=HANG),
        ["expired entry: a.py::t: it held until 2027-01-30 (line 7: r, https://host/7)"],
    ),
}


@pytest.mark.parametrize(("baseline", "matrix", "texts"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences(baseline: Baseline, matrix: Matrix, texts: list[str]) -> None:
    assert [found.text for found in compare(baseline, matrix, TODAY)] == texts


def test_in_a_complete_run_the_entry_of_a_test_that_is_gone_is_stale() -> None:
    baseline = of(one("b.py::t", new="hang"))
    assert [found.text for found in compare(baseline, ran(new=PASSED), TODAY, complete=True)] == [
        "stale entry: b.py::t: no such test any more (because)"
    ]
    assert not update(baseline, ran(new=PASSED), complete=True).tests
    assert update(baseline, ran(new=PASSED)).tests == baseline.tests


UPDATES: Final = {
    "a new break": (of(), ran(main=PASSED, new=HANG), {"new": "hang"}, NO_REASON),
    "a new way to break": (of(one(new="hang")), ran(new=SEGFAULT), {"new": "segfault"}, "because"),
    "one mode is mended": (of(one(new="hang", pool="hang")), ran(new=PASSED), {"pool": "hang"}, "because"),
    "a flaky one stays so": (of(one(new="hang/passed")), ran(new=PASSED), {"new": "hang/passed"}, "because"),
    "one more mode": (of(one(new="hang")), ran(new=HANG, pool=FAILED), {"new": "hang", "pool": "failed"}, "because"),
    "a skip": (of(one(new="hang")), ran(new=SKIPPED), {"new": "hang"}, "because"),
}


@pytest.mark.parametrize(("baseline", "matrix", "modes", "reason"), UPDATES.values(), ids=UPDATES)
def test_update(baseline: Baseline, matrix: Matrix, modes: dict[str, str], reason: str) -> None:
    (known,) = update(baseline, matrix).tests.values()
    assert ({mode: words_of(outcomes) for mode, outcomes in known.outcomes.items()}, known.reason) == (modes, reason)


def test_an_update_gives_the_diagnosis_for_a_reason() -> None:
    cells = {"new": Cell((HANG,), "gil-deadlock"), "pool": Cell((SEGFAULT,), "no-gil")}
    matrix = Matrix(("new", "pool"), (row_of("a.py::t", cells),))
    assert update(of(), matrix).tests["a.py::t"].reason == "gil-deadlock, no-gil"


def test_an_update_changes_no_line_that_still_holds() -> None:
    baseline = parse(TEXT, "known.txt")
    after = update(baseline, ran("tests/test_a.py::test_x[1]", new=HANG))
    assert render(after) == render(baseline).replace("new=segfault", "new=hang")
    assert not update(of(one(new="hang")), ran(new=PASSED)).tests


MATRICES: Final = st.dictionaries(
    st.sampled_from(["a.py::t", "b.py::t", "c.py::t"]),
    st.dictionaries(st.sampled_from(["main", "new", "pool"]), st.lists(st.sampled_from(list(Outcome)), min_size=1)),
).map(
    lambda tests: Matrix(
        ("main", "new", "pool"),
        tuple(
            row_of(test, {mode: Cell(tuple(outcomes)) for mode, outcomes in cells.items()})
            for test, cells in tests.items()
        ),
    )
)


@unhurried
@given(MATRICES, MATRICES, st.booleans())
def test_after_an_update_nothing_but_the_calendar_differs(before: Matrix, now: Matrix, complete: bool) -> None:
    baseline = update(of(), before)
    after = update(baseline, now, complete=complete)
    assert compare(after, now, TODAY, complete=complete) == []
    assert update(after, now, complete=complete) == after


def test_an_update_does_not_make_an_expired_entry_last_longer() -> None:
    baseline = of(Known("a.py::t", {"new": frozenset({HANG})}, "r", until=date(2027, 1, 30)))
    (difference,) = compare(update(baseline, ran(new=HANG)), ran(new=HANG), TODAY)
    assert difference.change is Change.EXPIRED
