"""The marker: where it may stand, which one wins, and the items of several modes with ids that rerun them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model.choices import MODES

from .conftest import RunSuite, SuiteRun, run_suite_in

THREAD: Final = """
def java_thread():
    import jpype
    return str(jpype.java.lang.Thread.currentThread().getName())
"""
# The name of the Java thread that a body runs on tells its mode: JPype calls the main thread "main".
PLACES: Final = """
import threading
import unittest
import pytest
from java_thread import java_thread

foreign = pytest.mark.foreign_thread

def test_plain():
    import jpype
    assert not jpype.isJVMStarted()

@foreign
def test_function():
    assert java_thread().startswith("foreign-")
    assert threading.current_thread() is not threading.main_thread()

@foreign(mode=["same", "new", "pool", "main"])
def test_modes():
    print(java_thread())

@foreign(mode=["new", "pool"])
@pytest.mark.parametrize("number", [1, 2])
def test_numbers(number):
    assert java_thread().startswith(("foreign-", "pool-"))

@foreign(mode="pool")
class TestClass:
    def test_inherits(self):
        assert java_thread().startswith("pool-")

    @foreign(mode="new")
    def test_own(self):
        assert java_thread().startswith("foreign-")

    @foreign(timeout=20)
    def test_own_timeout_only(self):
        assert java_thread().startswith("pool-")

class Case(unittest.TestCase):
    def setUp(self):
        self.thread = threading.current_thread()

    @foreign(mode=["new", "pool"])
    def test_method(self):
        self.assertTrue(java_thread().startswith(("foreign-", "pool-")))
        self.assertIs(self.thread, threading.current_thread())

    def test_plain(self):
        import jpype
        self.assertFalse(jpype.isJVMStarted())

@foreign(mode="pool")
class MarkedCase(unittest.TestCase):
    def test_inherits(self):
        self.assertTrue(java_thread().startswith("pool-"))
"""
MODULE: Final = """
import unittest
import pytest
from java_thread import java_thread

pytestmark = pytest.mark.foreign_thread(mode="pool")

def test_function():
    assert java_thread().startswith("pool-")

class Case(unittest.TestCase):
    def test_method(self):
        self.assertTrue(java_thread().startswith("pool-"))

@pytest.mark.foreign_thread(mode="same")
class TestClass:
    def test_closer(self):
        assert java_thread() == "main"
"""
# A test that is a file of its own, as of pytest's documentation; it is marked when it is made, or later.
CONFTEST: Final = """
import pytest
from java_thread import java_thread

class Check(pytest.Item):
    def runtest(self):
        print("ran on", java_thread())
        assert "bad" not in self.name

class File(pytest.File):
    def collect(self):
        for line in self.path.read_text().splitlines():
            item = Check.from_parent(self, name=line)
            if "early" in line:
                item.add_marker(pytest.mark.foreign_thread(mode="pool"))
            yield item

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".check":
        return File.from_parent(parent, path=file_path)

def pytest_collection_modifyitems(items):
    for item in items:
        if "late" in item.name:
            item.add_marker("foreign_thread")
"""
SUITE: Final = {
    "java_thread.py": THREAD,
    "conftest.py": CONFTEST,
    "test_it.py": PLACES,
    "test_module.py": MODULE,
    "some.check": "early\nlate\nearly bad\n",
}
# Node id → outcome and mode.
EXPECTED: Final = {
    "test_it.py::test_function": ("passed", "new"),
    **{f"test_it.py::test_modes[{mode}]": ("passed", mode) for mode in ("same", "new", "pool", "main")},
    **{f"test_it.py::test_numbers[{n}-{mode}]": ("passed", mode) for n in (1, 2) for mode in ("new", "pool")},
    "test_it.py::TestClass::test_inherits": ("passed", "pool"),
    "test_it.py::TestClass::test_own": ("passed", "new"),
    "test_it.py::TestClass::test_own_timeout_only": ("passed", "pool"),
    "test_it.py::Case::test_method[new]": ("passed", "new"),
    "test_it.py::Case::test_method[pool]": ("passed", "pool"),
    "test_it.py::MarkedCase::test_inherits": ("passed", "pool"),
    "test_module.py::test_function": ("passed", "pool"),
    "test_module.py::Case::test_method": ("passed", "pool"),
    "test_module.py::TestClass::test_closer": ("passed", "same"),
    "some.check::early": ("passed", "pool"),
    "some.check::late": ("passed", "new"),
    "some.check::early bad": ("failed", "pool"),
}
THREADS: Final = {"same": "main", "new": "foreign-1", "pool": "pool-1-thread-1", "main": "main"}


# These tests end no child: one for all runs them in a fraction of the time, and for each its own in the second tier.
@pytest.fixture(scope="module", params=["session", pytest.param("test", marks=pytest.mark.thorough)])
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    isolation = f"--foreign-thread-isolation={request.param}"
    return run_suite_in(tmp_path_factory.mktemp("suite"), SUITE, isolation, "-v", "-rA", "--strict-markers")


def entries(run: SuiteRun) -> dict[str, tuple[str, str]]:
    return {entry["nodeid"]: (entry["outcome"], entry["mode"]) for entry in run.document["tests"]}


@pytest.mark.parametrize("nodeid", EXPECTED)
def test_where_a_marker_may_stand(suite: SuiteRun, nodeid: str) -> None:
    assert entries(suite).get(nodeid) == EXPECTED[nodeid]


def test_no_other_test_is_run_on_a_foreign_thread(suite: SuiteRun) -> None:
    assert set(entries(suite)) == set(EXPECTED)
    # Both tests without a marker passed beside them.
    assert suite.closing_line == f"1 failed, {len(EXPECTED) + 1} passed"


@pytest.mark.parametrize("mode", THREADS)
def test_the_thread_of_each_mode(suite: SuiteRun, mode: str) -> None:
    _, _, rest = suite.output.partition(f" test_modes[{mode}] ")
    # A shared child has had pools before.
    assert re.sub(r"^pool-[0-9]+-", "pool-1-", rest.splitlines()[2]) == THREADS[mode]


def test_ids_are_shown(suite: SuiteRun) -> None:
    for nodeid, (outcome, _) in EXPECTED.items():
        assert f"{nodeid} {outcome.upper()}" in suite.output


def test_the_body_of_an_item_that_is_no_function(suite: SuiteRun) -> None:
    assert "ran on pool-1-thread-1" in suite.output
    assert "ran on foreign-1" in suite.output


@pytest.mark.parametrize(
    "nodeid", ["test_it.py::test_modes[new]", "test_it.py::test_numbers[1-new]", "test_it.py::Case::test_method[new]"]
)
# The others are a function without further parameters and a method; tests/unit/test_nodeids.py has more ids.
@pytest.mark.by_default("test_it.py::test_numbers[1-new]")
def test_an_id_reruns_one_test(run_suite: RunSuite, nodeid: str) -> None:
    run = run_suite(SUITE, nodeid)
    assert entries(run) == {nodeid: EXPECTED[nodeid]}
    assert run.closing_line == "1 passed"


def test_all_ids_rerun_their_tests(run_suite: RunSuite) -> None:
    run = run_suite(SUITE, "--collect-only", "-q", *reversed(EXPECTED))
    assert run.output.splitlines()[: len(EXPECTED)] == list(reversed(EXPECTED))


def test_an_id_without_its_mode_reruns_all_modes(run_suite: RunSuite) -> None:
    names = ("test_it.py::test_modes", "test_it.py::Case::test_method")
    run = run_suite(SUITE, "--collect-only", "-q", *names)
    found = [line for line in run.output.splitlines() if "::" in line]
    assert found == [nodeid for nodeid in EXPECTED if nodeid.startswith(tuple(f"{name}[" for name in names))]


@pytest.mark.parametrize(
    ("words", "count"),
    [(("-k", "new"), 4), (("-k", "test_method and pool"), 1), (("-m", "foreign_thread"), len(EXPECTED))],
)
def test_selection_by_word(run_suite: RunSuite, words: tuple[str, str], count: int) -> None:
    run = run_suite(SUITE, "--collect-only", "-q", *words)
    assert len([line for line in run.output.splitlines() if "::" in line]) == count


FAILING: Final = """
import threading
import unittest
import pytest

@pytest.mark.foreign_thread(mode=["main", "python"])
def test_it():
    assert threading.current_thread() is threading.main_thread()

class Case(unittest.TestCase):
    @pytest.mark.foreign_thread(mode=["python", "main"])
    def test_it(self):
        self.assertIs(threading.current_thread(), threading.main_thread())
"""


def test_the_last_failed_are_rerun_in_their_mode(run_suite: RunSuite) -> None:
    files = {"test_it.py": FAILING}
    assert run_suite(files).closing_line == "2 failed, 2 passed"
    again = run_suite(files, "--lf")
    failed = {f"test_it.py::{name}[python]": ("failed", "python") for name in ("test_it", "Case::test_it")}
    assert entries(again) == failed
    # How many of the others were not even collected is pytest's affair.
    assert again.closing_line.startswith("2 failed, ")
    assert "passed" not in again.closing_line


BAD: Final = """
import unittest
import pytest

foreign = pytest.mark.foreign_thread

@foreign(timeout=0)
def test_timeout(): pass
@foreign(mode="sam", timeout=-1)
def test_two_mistakes(): pass
@foreign(modes="new")
def test_unknown(): pass
@foreign("new")
def test_positional(): pass
@foreign(mode=[])
@pytest.mark.parametrize("number", range(3))
def test_no_mode(number): pass
@foreign(jvm_args=[1])
class TestClass:
    def test_a(self): pass
    def test_b(self): pass
class Case(unittest.TestCase):
    @foreign(mode=["new", "new"])
    def test_method(self): pass
@foreign
def test_good(): pass
"""
A_MODE: Final = f"expected one of {', '.join(map(repr, MODES))}, or a list of them"
SECONDS: Final = "expected a positive number of seconds, such as 30 or 0.5"
TAKES: Final = (
    "mode, timeout, jvm_args, classpath, isolation, stack, block_signals, finalize, check, stress, "
    "stress_threads, skip, expect"
)
PROBLEMS: Final = [
    f"test_it.py::test_timeout: foreign_thread(timeout=0): {SECONDS}, got 0",
    f"test_it.py::test_two_mistakes: foreign_thread(mode='sam'): {A_MODE}, got 'sam'",
    f"test_it.py::test_two_mistakes: foreign_thread(timeout=-1): {SECONDS}, got -1",
    f"test_it.py::test_unknown: foreign_thread(modes='new'): no such argument; it takes {TAKES}",
    f"test_it.py::test_positional: foreign_thread('new'): it takes keyword arguments only: {TAKES}",
    f"test_it.py::test_no_mode[0] (and 2 more): foreign_thread(mode=[]): {A_MODE}, got []",
    "test_it.py::TestClass::test_a (and 1 more): foreign_thread(jvm_args=[1]): "
    "expected a string or a list of strings, such as ['-Xmx256m', '-ea'], got [1]",
    "test_it.py::Case::test_method: foreign_thread(mode=['new', 'new']): expected each mode once, got ['new', 'new']",
]


@pytest.mark.parametrize("args", [(), ("--collect-only",)])
def test_all_bad_markers_are_named_in_one_error(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    # A JVM that is none shows that markers are looked at first: their error comes without one.
    run = run_suite(BAD, *args, env={"JAVA_HOME": "/nowhere"})
    text = run.output + run.errors
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: " + "\n".join(PROBLEMS) + "\n" in text
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text


def test_a_list_of_modes_for_an_item_that_is_no_function(run_suite: RunSuite) -> None:
    conftest = CONFTEST.replace('mode="pool"', 'mode=["new", "pool"]')
    run = run_suite({"java_thread.py": THREAD, "conftest.py": conftest, "some.check": "early\n"})
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: some.check::early: foreign_thread(mode=['new', 'pool']): expected one mode here; " in run.errors


def test_markers_are_listed(run_suite: RunSuite) -> None:
    run = run_suite("", "--markers")
    (line,) = [line for line in run.output.splitlines() if line.startswith("@pytest.mark.foreign_thread(")]
    assert line.startswith(
        "@pytest.mark.foreign_thread(mode='new', timeout=SECONDS, jvm_args=[...], classpath=[...], "
        "isolation=SCOPE, stack=SIZE, block_signals=BOOL, finalize=BOOL, check=NAMES, stress=AMOUNT, "
        "stress_threads=N, skip=REASON, expect={...}): "
    )
    assert f"mode is one of {', '.join(MODES)}, one of the project's own, or a list of them; " in line


THREE: Final = """
import os
import signal
import pytest

pytestmark = pytest.mark.foreign_thread(mode="python")

def test_passes(): pass
def test_fails(): assert 0
def test_crashes(): os.kill(os.getpid(), signal.SIGSEGV)
def test_exits(): os._exit(3)
"""


@pytest.mark.parametrize("plugin", ["terminal", "cacheprovider", "skipping", "faulthandler", "warnings"])
# test_switches.py leaves the others out, several at once.
@pytest.mark.by_default("terminal", "skipping")
def test_without_a_plugin_of_pytest(run_suite: RunSuite, plugin: str) -> None:
    run = run_suite(THREE, "-p", f"no:{plugin}")
    assert run.outcomes == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_crashes": "segfault",
        "test_exits": "crash",
    }
    assert run.status == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in run.errors
    if plugin != "terminal":
        assert run.closing_line == "1 failed, 1 passed, 1 segfault, 1 crash"
        assert "SEGFAULT test_it.py::test_crashes" in run.output


def test_the_page_of_options_shows_the_mistakes_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "options.md").read_text(encoding="utf-8")
    assert {problem for problem in PROBLEMS if problem in page} >= {PROBLEMS[0], PROBLEMS[3], PROBLEMS[5]}
