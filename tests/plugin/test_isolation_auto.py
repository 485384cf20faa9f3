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
    ("test_after_the_thread", "test_fails", "test_file"),
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
            serving.Server.tell_what_is_left = lambda self: None
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
def test_it_is_the_default_of_a_matrix_alone(
    run_suite: RunSuite, source: str, args: tuple[str, ...], pids: int
) -> None:
    tests = "def test_a(): pass\ndef test_b(): pass"
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": f"import pytest\n{source}\n{tests}\n"}, *args)
    assert ran.status == 0
    assert len(set(children(ran).values())) == pids
