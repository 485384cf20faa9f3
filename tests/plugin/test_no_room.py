"""Where no scratch directory or file can be made, the test has an error, and the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite

# What the kernel says is said here by mkdir() and open(), so that neither root nor a file system of its own is needed.
CONFTEST: Final = """
    import errno, os, pathlib

    NUMBERS = {"ENOSPC": errno.ENOSPC, "EDQUOT": errno.EDQUOT, "EROFS": errno.EROFS, "EACCES": errno.EACCES}

    def refused(name):
        raise OSError(NUMBERS[name], os.strerror(NUMBERS[name]), "scratch")

    def pytest_runtest_logstart(nodeid):
        # In the pytest process, before the child of the test is made.
        found = [name for name in NUMBERS if f"[{name}" in nodeid]
        what = "folder" if "folder" in nodeid else "file"
        mkdir, opens = usual
        pathlib.Path.mkdir, pathlib.Path.open = usual
        if found and what == "folder":
            def mkdir(path, *args, **kwargs):
                if "pytest-foreignthread-" in str(path):
                    refused(found[0])
                return usual[0](path, *args, **kwargs)
        elif found:
            def opens(path, *args, **kwargs):
                if "/child-" in str(path) or "/proc/self/fd/" in str(path):
                    refused(found[0])
                return usual[1](path, *args, **kwargs)
        pathlib.Path.mkdir, pathlib.Path.open = mkdir, opens

    usual = pathlib.Path.mkdir, pathlib.Path.open
"""
SUITE: Final = """
    import pytest

    pytestmark = pytest.mark.forked

    def test_before(): pass

    @pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EACCES"])
    def test_no_folder(number): pass

    def test_between(): pass

    @pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EROFS", "EACCES"])
    def test_no_file(number): pass

    def test_after(): pass
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_no_room_is_an_error_of_the_test(run_suite: RunSuite, start: str) -> None:
    run = run_suite({"conftest.py": CONFTEST, "test_it.py": SUITE}, f"--foreign-thread-start={start}")
    expected = {name: "error" if "[" in name else "passed" for name in run.outcomes}
    assert run.outcomes == expected, run.output
    assert len(expected) == 11
    for name, entry in run.tests.items():
        if "[" in name:
            assert entry["phase"] == "fork"
            assert "cannot keep scratch files ([Errno " in entry["message"]
            assert "set TMPDIR to a directory of yours" in entry["message"]
    assert "INTERNALERROR" not in run.output + run.errors


def test_no_room_for_a_child_ahead_of_need_hurts_no_test(run_suite: RunSuite) -> None:
    """The first test has a child, and there is no room for the second's until that one begins."""
    conftest = """
        import errno, os, pathlib

        made = []
        usual = pathlib.Path.mkdir

        def mkdir(path, *args, **kwargs):
            if path.name.startswith("child-"):
                made.append(path)
                if len(made) == 2:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return usual(path, *args, **kwargs)

        pathlib.Path.mkdir = mkdir
    """
    suite = """
        import pytest

        @pytest.mark.foreign_thread(mode="same")
        @pytest.mark.parametrize("number", range(3))
        def test_it(number): pass
    """
    run = run_suite({"conftest.py": conftest, "test_it.py": suite}, "--foreign-thread-ready=1")
    assert run.outcomes == {f"test_it[{number}]": "passed" for number in range(3)}, run.output


def test_a_file_in_the_way_is_an_error_until_it_is_gone(run_suite: RunSuite, tmp_path: Path) -> None:
    suite = """
        import os, pathlib, tempfile
        import pytest

        in_the_way = pathlib.Path(tempfile.gettempdir(), f"pytest-foreignthread-{os.getuid()}")

        def test_makes_it(): in_the_way.write_text("text")

        @pytest.mark.forked
        def test_forked(): pass

        def test_removes_it(): in_the_way.unlink()

        @pytest.mark.forked
        def test_forked_again(): pass
    """
    (tmp_path / "tmp").mkdir()
    run = run_suite(suite, env={"TMPDIR": str(tmp_path / "tmp")})
    assert run.outcomes == {"test_forked": "error", "test_forked_again": "passed"}
    assert "is not a directory: remove it, or set TMPDIR" in run.tests["test_forked"]["message"]


def test_no_room_for_temporary_folders_is_an_error_of_those_that_ask(run_suite: RunSuite, tmp_path: Path) -> None:
    suite = """
        import pytest

        pytestmark = pytest.mark.forked

        def test_asks(tmp_path): pass

        def test_does_not(): pass
    """
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "root").write_text("a file")
    run = run_suite(
        suite, env={"TMPDIR": str(tmp_path / "tmp"), "PYTEST_DEBUG_TEMPROOT": str(tmp_path / "tmp" / "root")}
    )
    assert run.outcomes == {"test_asks": "error", "test_does_not": "passed"}, run.output
    assert "INTERNALERROR" not in run.output + run.errors
