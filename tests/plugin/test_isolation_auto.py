"""Isolation `auto`: children shared until a test leaves something, and what a break owes to tests before it."""

from __future__ import annotations

from typing import Final

import pytest

from .conftest import RunSuite
from .test_isolation import CONFTEST, children

AUTO: Final = "--foreign-thread-isolation=auto"

LEAVING: Final = """
    import os
    import sqlite3
    import threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="{mode}")
    KEPT = []

    @pytest.fixture(scope="module")
    def server():
        os.environ["SERVER"] = "up"
        gate = threading.Event()
        thread = threading.Thread(target=gate.wait)
        thread.start()
        yield
        gate.set()
        thread.join()
        del os.environ["SERVER"]

    def test_nothing(server): pass
    def test_a_lazy_import(server, tmp_path): import this
    def test_thread(server): threading.Thread(target=threading.Event().wait, daemon=True).start()
    def test_after_the_thread(server): pass
    def test_fails(server): assert 0
    def test_file(server): KEPT.append(open("it", "w"))
    def test_after_the_file(server): pass
    def test_puts_it_back(monkeypatch):
        monkeypatch.setenv("X", "1")
        monkeypatch.chdir("/")
    def test_last(): pass
"""
TOGETHER: Final = (
    ("test_nothing", "test_a_lazy_import", "test_thread"),
    # One that fails and is run again alone takes the fixture down first.
    ("test_after_the_thread", "test_fails"),
    ("test_file",),
    ("test_after_the_file", "test_puts_it_back", "test_last"),
)


@pytest.mark.parametrize("mode", ["main", "new", "pool", "native-pool", "virtual"])
@pytest.mark.by_default("main", "pool")
def test_a_test_that_leaves_something_is_its_childs_last(run_suite: RunSuite, mode: str) -> None:
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": LEAVING.format(mode=mode)}, AUTO)
    assert ran.closing_line == "1 failed, 8 passed"
    in_child: dict[str, list[str]] = {}
    for name, pid in children(ran).items():
        in_child.setdefault(pid, []).append(name)
    # The test that fails runs once more in a child of its own, which is noted last.
    shared = {name for names in TOGETHER for name in names} - {"test_fails"}
    got = [tuple(name for name in names if name in shared) for names in in_child.values()]
    expected = [tuple(name for name in names if name in shared) for names in TOGETHER]
    assert [names for names in got if names] == expected


def test_the_marker_and_the_ini_key_take_it_too(run_suite: RunSuite) -> None:
    source = """
        import pytest
        @pytest.mark.foreign_thread(mode="main", isolation="auto")
        def test_a(): pass
        @pytest.mark.foreign_thread(mode="main")
        def test_b(): pass
    """
    files = {"conftest.py": CONFTEST, "test_it.py": source}
    assert len(set(children(run_suite(files)).values())) == 2
    ini = {"pytest.ini": "[pytest]\nforeign_thread_isolation = auto\n"}
    again = run_suite({**files, **ini, "conftest.py": CONFTEST.replace('"notes"', '"notes_again"')})
    assert again.closing_line == "2 passed"
    pids = {line.split()[1] for line in (again.folder / "notes_again").read_text().splitlines()}
    assert len(pids) == 1


def test_a_child_that_says_nothing_of_what_is_left_is_not_shared(run_suite: RunSuite) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        def test_a():
            from pytest_foreignthread.child.pytest import serving
            serving.Server.send_leftovers = lambda self: None
        def test_b(): pass
    """
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source}, AUTO)
    assert ran.closing_line == "2 passed"
    assert len(set(children(ran).values())) == 2


@pytest.mark.parametrize(
    ("source", "args", "pids"),
    [
        ("", ("--foreign-thread-all", "--foreign-thread-modes=main,python"), 2),
        ("pytestmark = pytest.mark.foreign_thread(mode='main')", ("--foreign-thread-modes=main,python",), 2),
        ("pytestmark = pytest.mark.foreign_thread(mode='main')", (), 2),
        ("", ("--foreign-thread-all", "--foreign-thread-modes=main", "--foreign-thread-isolation=test"), 2),
        ("pytestmark = pytest.mark.foreign_thread(isolation='test')", ("--foreign-thread-modes=main",), 2),
    ],
    ids=["all", "matrix", "no matrix", "an option", "a marker"],
)
@pytest.mark.by_default("all", "no matrix", "an option")
def test_it_is_the_default_only_of_a_matrix(run_suite: RunSuite, source: str, args: tuple[str, ...], pids: int) -> None:
    tests = "def test_a(): pass\ndef test_b(): pass"
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": f"import pytest\n{source}\n{tests}\n"}, *args)
    assert ran.status == 0
    assert len(set(children(ran).values())) == pids


POLLUTED: Final = """
    import ctypes
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="main")
    STATE = []

    def test_a(): pass
    def test_b(): pass
    def test_polluter(): STATE.append(1)
    def test_c(): pass
    @pytest.mark.xfail(strict=False)
    def test_known(): assert not STATE
    def test_fails(): assert not STATE
    def test_fails_anyway(): assert 0
    def test_breaks():
        if STATE: ctypes.string_at(0)
    def test_breaks_anyway(): ctypes.string_at(0)
    def test_first_of_its_child(): assert 0
"""
POLLUTER: Final = "test_it.py::test_polluter"


def test_what_breaks_only_after_another_names_it(run_suite: RunSuite) -> None:
    ran = run_suite(POLLUTED, AUTO)
    told = {name: (entry["also_alone"], entry["only_after"]) for name, entry in ran.tests.items()}
    assert {name: one for name, one in told.items() if one != (None, None)} == {
        "test_fails": (False, [POLLUTER]),
        "test_fails_anyway": (True, None),
        "test_breaks": (False, [POLLUTER]),
    }
    assert ran.output.count(f"\nalone: passes; breaks only after {POLLUTER}\n") == 2
    assert ran.output.count("\nalone: also breaks (failed in a child of its own)\n") == 1
    for name, closing in (("test_fails", "1 failed, 1 passed"), ("test_breaks", "1 passed, 1 segfault")):
        rerun = ran.tests[name]["rerun"]
        assert rerun == [POLLUTER, f"test_it.py::{name}", "--foreign-thread-isolation=session"]
        assert f"\nrerun: pytest '{POLLUTER}' 'test_it.py::{name}' --foreign-thread-isolation=session\n" in ran.output
        assert run_suite(POLLUTED, *rerun).closing_line == closing


def test_a_failure_that_the_control_has_is_not_run_again(run_suite: RunSuite) -> None:
    source = """
        import threading
        def test_a(): pass
        def test_everywhere(): assert 0
        def test_elsewhere(): assert threading.current_thread() is threading.main_thread()
    """
    ran = run_suite(source, "--foreign-thread-all", "--foreign-thread-modes=main,python")
    assert {name: entry["also_alone"] for name, entry in ran.tests.items()} == {
        **dict.fromkeys(["test_a[main]", "test_a[python]", "test_everywhere[python]", "test_elsewhere[main]"]),
        **dict.fromkeys(["test_everywhere[main]", "test_elsewhere[python]"], True),
    }


def test_a_test_that_needs_a_test_which_died_is_not_foreign_unsafe(run_suite: RunSuite) -> None:
    source = """
        import os, threading
        STATE = []
        def test_dies_elsewhere():
            STATE.append(1)
            if threading.current_thread() is not threading.main_thread():
                os._exit(3)
        def test_needs_it(): assert STATE
        def test_sound(): pass
        def test_breaks_elsewhere(): assert threading.current_thread() is threading.main_thread()
    """
    ran = run_suite(source, "--foreign-thread-all", "--foreign-thread-matrix", "--foreign-thread-modes=main,python")
    assert {name: entry["control_alone"] for name, entry in ran.tests.items() if entry["control_alone"]} == {
        "test_dies_elsewhere[python]": "passed",
        "test_needs_it[python]": "failed",
        "test_breaks_elsewhere[python]": "passed",
    }
    assert {row["test"].partition("::")[2]: row["verdict"] for row in ran.document["matrix"]["rows"]} == {
        "test_dies_elsewhere": "main-thread-only",
        "test_needs_it": "flaky",
        "test_sound": "sound",
        "test_breaks_elsewhere": "main-thread-only",
    }
    assert ran.output.count("\ncontrol: breaks alone, too (failed in main, in a child of its own)") == 1


@pytest.mark.parametrize(
    ("option", "searched", "why"),
    [("1", 1, "1 allows 1 search"), ("0", 0, "0 allows no search")],
)
def test_so_many_failures_are_searched(run_suite: RunSuite, option: str, searched: int, why: str) -> None:
    ran = run_suite(POLLUTED, AUTO, f"--foreign-thread-bisect={option}", "-k", "polluter or test_b or fails or breaks")
    assert sum(entry["only_after"] is not None for entry in ran.tests.values()) == searched
    not_searched = [entry for entry in ran.tests.values() if entry["also_alone"] is False and not entry["only_after"]]
    assert all(entry["alone"]["search"] == f"not searched: --foreign-thread-bisect={why}" for entry in not_searched)
    assert len(not_searched) == 2 - searched


def test_what_does_not_break_again_is_reported_so(run_suite: RunSuite) -> None:
    source = """
        import os
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        def test_a(): pass
        def test_once():
            if not os.path.exists("once"):
                os.mkdir("once")
                os.abort()
    """
    ran = run_suite(source, AUTO)
    entry = ran.tests["test_once"]
    assert (entry["outcome"], entry["also_alone"], entry["only_after"]) == ("crash", False, None)
    assert "alone: passes; broke after test_it.py::test_a (the test did not break when" in " ".join(ran.output.split())


def test_a_fixture_that_can_stand_once_only_breaks_no_test(run_suite: RunSuite) -> None:
    """Without this plugin no two processes would have it; it may be a port, a file or a name in a database."""
    source = """
        import os
        import pytest

        @pytest.fixture(scope="session")
        def only_one():
            os.mkdir("lock")
            yield
            os.rmdir("lock")

        def test_first(): pass  # from here on the children of all modes live, and take orders ahead
        def test_a(only_one): pass
        def test_b(only_one): pass
        @pytest.fixture(scope="module")
        def broken(): assert 0
        def test_c(broken): pass
    """
    modes = ("main", "python", "native")
    ran = run_suite(source, "--foreign-thread-all", f"--foreign-thread-modes={','.join(modes)}")
    assert ran.outcomes == {
        **{f"test_{name}[{mode}]": "passed" for name in ("first", "a", "b") for mode in modes},
        **{f"test_c[{mode}]": "error" for mode in modes},
    }
    assert not (ran.folder / "lock").exists()


def test_workers_of_xdist_search_too(run_suite: RunSuite) -> None:
    ran = run_suite(POLLUTED, AUTO, "-n2", "--dist=loadfile")
    assert ran.tests["test_fails"]["only_after"] == ran.tests["test_breaks"]["only_after"] == [POLLUTER]


@pytest.mark.parametrize("args", [(), ("-n2",)], ids=["here", "workers"])
@pytest.mark.by_default("here")
def test_a_run_with_many_children_says_once_what_sharing_saves(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    source = """
        import pytest
        pytestmark = pytest.mark.foreign_thread(mode="main")
        @pytest.mark.parametrize("number", range({number}))
        def test_it(number): pass
    """
    many = run_suite(source.format(number=51), *args)
    assert many.output.count("51 tests had a child each") == 1
    assert "tests had a child each" not in run_suite(source.format(number=50), *args).output


def test_what_a_testcase_keeps_on_itself_is_gone_after_it(run_suite: RunSuite) -> None:
    source = """
        import unittest

        class Test(unittest.TestCase):
            def setUp(self): self.file = open(__file__)
            def test_a(self): pass
            def test_b(self): pass
    """
    args = ("--foreign-thread-all", "--foreign-thread-modes=main,python")
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": source}, *args)
    assert ran.closing_line == "4 passed"
    pids = [words.split() for words in (ran.folder / "notes").read_text().splitlines()]
    assert len({pid for _, pid in pids}) == 2
