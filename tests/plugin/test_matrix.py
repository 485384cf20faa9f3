"""The matrix in a run: which items there are and how they are chosen, the grid, the exit status, the reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from ..unit.sample_report import VALIDATOR
from .conftest import RunSuite, SuiteRun, run_suite_in

CONFTEST: Final = """
import pytest

class Check(pytest.Item):
    def runtest(self):
        pass

class File(pytest.File):
    def collect(self):
        item = Check.from_parent(self, name="early")
        item.add_marker(pytest.mark.foreign_thread(mode="pool"))
        yield item

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".check":
        return File.from_parent(parent, path=file_path)
"""
KINDS: Final = '''
import ctypes
import threading
import unittest
import pytest

foreign = pytest.mark.foreign_thread

def is_main():
    return threading.current_thread() is threading.main_thread()

@foreign
def test_sound(): pass

@foreign(mode="pool")
@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_numbers(number):
    if number == 2 and not is_main():
        ctypes.string_at(0)

@foreign(mode=["same", "scheduled"])
class TestClass:
    def test_fails_in_main(self): assert not is_main()
    @foreign(skip="counts its own threads")
    def test_left_out(self): assert is_main()

class Case(unittest.TestCase):
    @foreign
    def test_method(self):
        with self.subTest("one"):
            self.assertEqual(self._testMethodName, "test_method")
    def test_plain(self): pass

@pytest.mark.parametrize("number", [pytest.param(1, marks=foreign), 2])
def test_too_late(number): assert is_main() or number == 1

def test_plain():
    """
    >>> 1 + 1
    2
    """

def test_with_fixture(jvm): pass
'''
FILES: Final = {
    "conftest.py": CONFTEST,
    "pytest.ini": "[pytest]\nmarkers = slow\nforeign_thread_modes = main, new\naddopts = --doctest-modules\n",
    "test_it.py": KINDS,
    "some.check": "",
}
TAKEN: Final = (
    "test_sound",
    "test_numbers[1]",
    "test_numbers[2]",
    "TestClass::test_fails_in_main",
    "Case::test_method",
)
LEFT: Final = {
    *("TestClass::test_left_out", "Case::test_plain", "test_too_late[1]", "test_too_late[2]", "test_plain"),
    *("test_with_fixture", "early", "test_it.test_plain"),
}
UNMARKED: Final = ("test_plain", "Case::test_plain", "test_with_fixture", "test_too_late[1]", "test_too_late[2]")


def section(run: SuiteRun, name: str) -> list[str]:
    """The lines below one of the plugin's titles, up to the next title of pytest's or of a plugin's."""
    _, _, shown = run.output.partition(f"= foreign-thread {name} =")
    return re.split(r"(?m)^(?:===|---|- generated)", shown.partition("\n")[2])[0].strip().splitlines()


def in_modes(test: str, *modes: str) -> set[str]:
    return {f"{test[:-1]}-{mode}]" if test.endswith("]") else f"{test}[{mode}]" for mode in modes}


def in_all(tests: tuple[str, ...], *modes: str) -> set[str]:
    return {name for test in tests for name in in_modes(test, *modes)}


def collected(run: SuiteRun) -> set[str]:
    return {line.partition("::")[2] for line in run.output.splitlines() if "::" in line}


BOTH: Final = in_all(TAKEN, "main", "new")
# Arguments, and the items that they leave.
CHOSEN: Final[dict[str, tuple[tuple[str, ...], set[str]]]] = {
    "the ini file's modes": (("--foreign-thread-matrix",), BOTH | LEFT),
    "its modes alone": (
        (),
        {*("test_sound", "test_numbers[1]", "test_numbers[2]", "Case::test_method"), *LEFT}
        | in_modes("TestClass::test_fails_in_main", "same", "scheduled"),
    ),
    "the command line's modes": (("--foreign-thread-modes=pool",), in_all(TAKEN, "pool") | LEFT),
    "by a word": (
        ("--foreign-thread-matrix", "-k", "numbers and new"),
        in_modes("test_numbers[1]", "new") | in_modes("test_numbers[2]", "new"),
    ),
    "by a marker": (("--foreign-thread-matrix", "-m", "slow"), in_all(TAKEN[1:3], "main", "new")),
    "by the marker": (
        ("--foreign-thread-matrix", "-m", "foreign_thread"),
        BOTH | {"TestClass::test_left_out", "test_too_late[1]", "early"},
    ),
    "by id": (
        ("--foreign-thread-matrix", "test_it.py::test_numbers[1-new]", "test_it.py::Case::test_method[main]"),
        {"test_numbers[1-new]", "Case::test_method[main]"},
    ),
    "by an id without its mode": (
        ("--foreign-thread-matrix", "test_it.py::Case::test_method"),
        in_modes("Case::test_method", "main", "new"),
    ),
    "all": (
        ("--foreign-thread-all",),
        BOTH | in_all(UNMARKED, "main", "new") | {"TestClass::test_left_out", "early", "test_it.test_plain"},
    ),
}


@pytest.mark.parametrize("choice", CHOSEN)
def test_the_items(run_suite: RunSuite, choice: str) -> None:
    args, expected = CHOSEN[choice]
    run = run_suite(FILES, "--collect-only", "-q", *args)
    assert collected(run) == expected


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    folder = tmp_path_factory.mktemp("matrix")
    reports = ("--foreign-thread-report=page.html", "--foreign-thread-report=out/summary.md", "--junit-xml=junit.xml")
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step.md"), "COLUMNS": "80"}
    return run_suite_in(folder, FILES, "--foreign-thread-matrix", *reports, env=env)


def test_every_kind_of_test_runs_in_every_mode_and_others_as_ever(suite: SuiteRun) -> None:
    broken = {"test_numbers[2-new]": "segfault", "TestClass::test_fails_in_main[main]": "failed"}
    abroad = dict.fromkeys(BOTH, "passed") | {"test_with_fixture": "passed", "early": "passed"}
    assert suite.outcomes == abroad | {"test_too_late[1]": "passed"} | broken
    assert suite.closing_line == "1 failed, 16 passed, 1 segfault"
    assert suite.status == pytest.ExitCode.TESTS_FAILED
    assert {(entry["test"], entry["mode"]) for entry in suite.tests.values()} >= {
        ("test_it.py::test_numbers[2]", "new"),
        ("test_it.py::Case::test_method", "main"),
    }


GRID: Final = """
test_it.py                       main   new
  test_sound                       ok    ok
  test_numbers[1]                  ok    ok
  test_numbers[2]                  ok  SEGV
  TestClass::test_fails_in_main  FAIL    ok
  Case::test_method                ok    ok

sound           3  same result in every mode
foreign-unsafe  1  hold in main, break on a foreign thread
foreign-only    1  break in main, hold on each foreign thread
not in the matrix: 1 left out: counts its own threads, 1 marked after its items were made, 1 of kind Check, \
1 of kind DoctestItem, 4 unmarked (--foreign-thread-all takes them, too)
"""


def test_the_grid_and_what_is_not_in_it(suite: SuiteRun) -> None:
    assert section(suite, "matrix") == GRID.strip().splitlines()


def test_a_failure_says_how_to_run_it_again(suite: SuiteRun) -> None:
    assert "\nrerun: pytest 'test_it.py::test_numbers[2-new]' --foreign-thread-modes=new\n" in suite.output
    again = ["test_it.py::test_numbers[2-new]", "--foreign-thread-modes=new"]
    assert suite.tests["test_numbers[2-new]"]["rerun"] == again


def test_the_reports(suite: SuiteRun) -> None:
    VALIDATOR.validate(suite.document)
    matrix = suite.document["matrix"]
    assert matrix["modes"] == ["main", "new"]
    assert {row["test"].partition("::")[2]: row["verdict"] for row in matrix["rows"]} == {
        **dict.fromkeys(TAKEN, "sound"),
        "test_numbers[2]": "foreign-unsafe",
        "TestClass::test_fails_in_main": "foreign-only",
    }
    page = (suite.folder / "page.html").read_text(encoding="utf-8")
    assert "pytest 'test_it.py::test_numbers[2-new]' --foreign-thread-modes=new" in page
    summary = (suite.folder / "out" / "summary.md").read_text(encoding="utf-8")
    assert "| `test_it.py::test_numbers[2]` | passed | **segfault** | foreign-unsafe |" in summary
    assert (suite.folder / "step.md").read_text(encoding="utf-8") == f"{summary}\n"


def test_junit_has_the_verdict_with_the_last_mode(suite: SuiteRun) -> None:
    found = {
        case.attrib["name"]: one.attrib["value"]
        for case in ElementTree.parse(suite.folder / "junit.xml").iter("testcase")
        for one in case.iter("property")
        if one.attrib["name"] == "foreign_thread_verdict"
    }
    assert found == {
        **{name: "sound" for test in TAKEN for name in in_modes(test.rpartition("::")[2], "new")},
        "test_numbers[2-new]": "foreign-unsafe",
        "test_fails_in_main[new]": "foreign-only",
    }


def test_workers_of_xdist_make_one_matrix(run_suite: RunSuite, suite: SuiteRun) -> None:
    run = run_suite(FILES, "--foreign-thread-matrix", "-n2", env={"COLUMNS": "80"})
    assert run.document["matrix"] == suite.document["matrix"]
    assert [entry["nodeid"] for entry in run.document["tests"]] == [e["nodeid"] for e in suite.document["tests"]]
    assert section(run, "matrix") == GRID.strip().splitlines()


ORDINARY: Final = """
import threading
import unittest
import pytest

@pytest.fixture(scope="module")
def shared():
    return [0]

@pytest.mark.parametrize("mode", ["native", "main"])
def test_a_parameter_named_like_a_mode(mode, shared):
    shared.append(1)
    assert shared == [0, 1]

class Case(unittest.TestCase):
    def test_method(self):
        with self.subTest("a part"):
            self.assertIs(threading.current_thread(), threading.main_thread())
"""


def test_a_suite_without_a_marker(run_suite: RunSuite) -> None:
    # Each test changes what is shared, which is for one test alone then.
    given = ("--foreign-thread-isolation=test", "--foreign-thread-modes=main,native", "-q")
    run = run_suite(ORDINARY, "--foreign-thread-all", *given)
    named = "test_a_parameter_named_like_a_mode"
    assert {row["test"].partition("::")[2]: row["verdict"] for row in run.document["matrix"]["rows"]} == {
        f"{named}[native]": "sound",
        f"{named}[main]": "sound",
        "Case::test_method": "foreign-unsafe",
    }
    assert run.outcomes["Case::test_method[native]"] == "failed"
    assert run.tests["Case::test_method[native]"]["rerun"][1:] == [
        "--foreign-thread-modes=native",
        "--foreign-thread-all",
    ]
    assert section(run, "matrix") == [
        "sound           2  same result in every mode",
        "foreign-unsafe  1  hold in main, break on a foreign thread",
    ]


def test_a_matrix_without_a_marked_test_says_what_to_add(run_suite: RunSuite) -> None:
    run = run_suite("def test_plain(): pass", "--foreign-thread-matrix")
    assert run.status == pytest.ExitCode.OK
    assert "no test is marked: put @pytest.mark.foreign_thread on a test or a class" in run.output
    assert "not in the matrix: 1 unmarked (--foreign-thread-all takes them, too)" in run.output
    assert run.document["matrix"] == {"modes": ["main", "same", "new", "pool"], "rows": [], "verdicts": {}}


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("import pytest\n@pytest.mark.foreign_thread\ndef test_it(): pass\ndef test_plain(): pass", ("-k", "nothing")),
        ("import pytest\n@pytest.mark.foreign_thread\ndef test_it(): pass", ("--co", "-q")),
        ("import not_there", ()),
    ],
    ids=["deselected", "collected only", "not collected"],
)
def test_a_matrix_without_a_run_is_not_shown(run_suite: RunSuite, source: str, options: tuple[str, ...]) -> None:
    run = run_suite(source, "--foreign-thread-matrix", *options)
    assert "foreign-thread matrix =" not in run.output, run.output
    assert "no test is marked" not in run.output


def test_a_marked_test_that_was_deselected_is_no_unmarked_test(run_suite: RunSuite) -> None:
    source = "import pytest\n@pytest.mark.foreign_thread\ndef test_it(): pass\ndef test_plain(): pass"
    run = run_suite(source, "--foreign-thread-matrix", "-k", "plain")
    assert section(run, "matrix") == ["not in the matrix: 1 unmarked (--foreign-thread-all takes them, too)"]


BASELINE: Final = """
import ctypes
import threading
import pytest

def break_elsewhere():
    if threading.current_thread() is not threading.main_thread():
        ctypes.string_at(0)

pytestmark = pytest.mark.foreign_thread

def test_known(): break_elsewhere()
def test_mended(): pass
@pytest.mark.foreign_thread(expect={"python": "segfault"})
def test_by_marker(): break_elsewhere()
"""
KNOWN: Final = "test_it.py::test_known | python=segfault | a race | link=https://host/7"
MATRIX: Final = ("--foreign-thread-modes=main,python", "--foreign-thread-baseline=known.txt")


def test_only_what_differs_from_the_baseline_fails_the_run(run_suite: RunSuite) -> None:
    run = run_suite({"test_it.py": BASELINE, "known.txt": KNOWN}, *MATRIX, "-rx", "-x")
    assert (run.closing_line, run.status) == ("4 passed, 2 xfailed", pytest.ExitCode.OK)
    assert "XFAIL test_it.py::test_known[python] - known: a race" in run.output
    assert "XFAIL test_it.py::test_by_marker[python] - known: expected by its marker" in run.output
    assert run.outcomes["test_known[python]"] == "segfault"
    assert section(run, "baseline") == ["2 as known"]


ONE_STALE: Final = "1 passed, 5 deselected, 1 stale baseline entry"


def test_each_difference_fails_the_run(run_suite: RunSuite, tmp_path: Path) -> None:
    lines = [
        "test_it.py::test_known | python=hang | a race | until=2020-01-31",
        "test_it.py::test_mended | main=failed, python=segfault | was so",
        "test_it.py::test_gone | python=segfault | it was there",
        "other.py::test_gone | python=segfault | its file was there",
    ]
    run = run_suite({"test_it.py": BASELINE, "known.txt": "\n".join(lines)}, *MATRIX)
    assert run.closing_line == "4 passed, 1 xfailed, 1 segfault, 4 stale baseline entries, 1 expired baseline entry"
    assert run.status == pytest.ExitCode.TESTS_FAILED
    mended = "it no longer breaks (line 2: was so)"
    assert section(run, "baseline") == [
        "changed outcome: test_it.py::test_known in python: segfault, known is hang (line 1: a race)",
        "expired entry: test_it.py::test_known: it held until 2020-01-31 (line 1: a race)",
        f"stale entry: test_it.py::test_mended in main: passed, {mended}",
        f"stale entry: test_it.py::test_mended in python: passed, {mended}",
        "stale entry: test_it.py::test_gone: no such test any more (line 3: it was there)",
        "stale entry: other.py::test_gone: no such test any more (line 4: its file was there)",
        "1 as known",
    ]
    chosen = run_suite({}, *MATRIX, "-k", "mended and main")
    assert (chosen.closing_line, chosen.status) == (ONE_STALE, pytest.ExitCode.TESTS_FAILED)
    assert section(chosen, "baseline") == [f"stale entry: test_it.py::test_mended in main: passed, {mended}"]
    assert run_suite({}, *MATRIX, "--collect-only").status == pytest.ExitCode.OK
    updated = run_suite({}, *MATRIX, "--foreign-thread-update-baseline")
    assert (updated.closing_line, updated.status) == ("4 passed, 2 xfailed", pytest.ExitCode.OK)
    assert section(updated, "baseline") == [f"{tmp_path}/known.txt: 1 known test (1 changed, 3 removed)"]
    written = (tmp_path / "known.txt").read_text(encoding="utf-8")
    assert written.splitlines() == ["test_it.py::test_known | python=segfault | a race | until=2020-01-31"]


@pytest.mark.parametrize("more", [(), ("-n2",), ("test_it.py",)], ids=["all", "xdist", "a file"])
@pytest.mark.by_default("all", "xdist")
def test_a_run_without_foreign_threads_says_nothing_of_the_baseline(
    run_suite: RunSuite, tmp_path: Path, more: tuple[str, ...]
) -> None:
    baseline = "test_it.py::test_known | python=segfault | a race"
    files = {"test_it.py": "def test_known(): pass", "known.txt": baseline}
    run = run_suite(files, "--foreign-thread-baseline=known.txt", *more)
    assert (run.closing_line, run.status) == ("1 passed", pytest.ExitCode.OK), run.output
    updated = run_suite({}, "--foreign-thread-baseline=known.txt", "--foreign-thread-update-baseline", *more)
    assert updated.status == pytest.ExitCode.OK, updated.output
    assert (tmp_path / "known.txt").read_text(encoding="utf-8").strip() == baseline
    gone = run_suite({"test_it.py": "def test_other(): pass"}, "--foreign-thread-baseline=known.txt", *more)
    assert gone.closing_line == "1 passed, 1 stale baseline entry", gone.output


MISTAKES: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "update nothing": (("--foreign-thread-update-baseline",), "expected --foreign-thread-baseline=FILE as well"),
    "no file": (("--foreign-thread-baseline=none.txt",), "--foreign-thread-update-baseline writes a new one"),
    "no baseline": (("--foreign-thread-baseline=test_it.py",), "test_it.py:1: expected `test | mode=outcome | reason`"),
    "no mode": (("--foreign-thread-modes=main,news",), "-modes: expected some of same, new, "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(run_suite: RunSuite, mistake: str) -> None:
    args, words = MISTAKES[mistake]
    run = run_suite("def test_plain(): pass", *args)
    (line,) = [line for line in (run.output + run.errors).splitlines() if line.startswith("ERROR: ")]
    assert words in line
    assert run.status == pytest.ExitCode.USAGE_ERROR


BREAKS_ALIKE: Final = """
    import ctypes, os, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread

    def test_alike():
        os._exit(3)

    def test_differs():
        os._exit(4 if threading.current_thread() is threading.main_thread() else 5)
"""


def crashes_section(ran: SuiteRun) -> str:
    return ran.output.partition(" CRASHES ")[2].partition(" foreign-thread matrix ")[0]


def test_what_breaks_alike_in_several_modes_is_reported_once(run_suite: RunSuite) -> None:
    args = ("--foreign-thread-modes=main,python,native", "--foreign-thread-isolation=module")
    ran = run_suite(BREAKS_ALIKE, *args)
    crashes = crashes_section(ran)
    assert crashes.count("\ncrash on ") == 3
    assert crashes.count("\nthe same in python, native (-v shows each)\n") == 1
    assert crashes.count("\nthe same in native (-v shows each)\n") == 1
    assert ran.output.count("\nCRASH test_it.py::test_") == 6
    whole = crashes_section(run_suite(BREAKS_ALIKE, *args, "-v"))
    assert whole.count("\ncrash on ") == 6
    assert "the same in" not in whole
