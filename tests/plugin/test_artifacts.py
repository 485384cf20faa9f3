"""Where a run keeps the documents of its failures, and what it says of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.report.kept.artifacts import folder_name

from .conftest import RunSuite, SuiteRun, run_suite_in

SUITE: Final = """
    import os, pathlib, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")

    def test_dies():
        print("printed by the test")
        if not pathlib.Path("mended").exists():
            os._exit(3)

    @pytest.mark.foreign_thread(mode="new", timeout=1)
    def test_hangs():
        threading.Event().wait()

    def test_null_result():
        raise SystemError("f returned NULL without setting an exception")

    def test_fails():
        assert False

    def test_passes():
        print("printed")

    def test_skips():
        pytest.skip("later")
"""
CACHE: Final = Path(".pytest_cache", "d", "foreign_thread")


def kept(folder: Path) -> dict[str, set[str]]:
    """The tests' names, as far as a folder's name holds them, and the documents of each."""
    return {
        re.sub(r"^test_it\.py-|-[0-9a-f]{8}$", "", one.name): {path.name for path in one.iterdir()}
        for one in folder.iterdir()
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("kept"), SUITE)


def test_kept_in_the_cache_only_for_abnormal_outcomes(run: SuiteRun) -> None:
    found = kept(run.folder / CACHE)
    assert set(found) == {"test_dies", "test_hangs", "test_null_result"}
    assert {"python.txt", "stdout.txt"} <= found["test_dies"]
    assert {"python_hang.txt", "java_dump.txt"} <= found["test_hangs"]


def test_the_documents_are_whole(run: SuiteRun) -> None:
    paths = run.tests["test_dies"]["artifacts"]
    assert Path(paths["stdout"]).read_text().splitlines() == ["printed by the test"]
    assert "in test_dies" in Path(paths["python"]).read_text()
    dump = Path(run.tests["test_hangs"]["artifacts"]["java_dump"]).read_text()
    assert '"foreign-1"' in dump


def test_the_report_says_where(run: SuiteRun) -> None:
    for name in ("test_dies", "test_hangs", "test_null_result"):
        paths = run.tests[name]["artifacts"]
        folders = {str(Path(path).parent) for path in paths.values()}
        assert len(folders) == 1
        assert f"documents in {folders.pop()}\n" in run.output
        assert all(Path(path).is_absolute() for path in paths.values())
    assert run.tests["test_passes"]["artifacts"] == run.tests["test_fails"]["artifacts"] == {}


def test_removed_once_the_test_passes(run_suite: RunSuite, tmp_path: Path) -> None:
    run_suite(SUITE, "-k", "dies or null")
    (tmp_path / "mended").touch()
    run = run_suite(SUITE, "-k", "dies")
    assert run.outcomes == {"test_dies": "passed"}
    assert set(kept(tmp_path / CACHE)) == {"test_null_result"}


def test_a_folder_of_the_users(run_suite: RunSuite, tmp_path: Path) -> None:
    """A relative one counts from where pytest was started; `stdout` of two modes does not collide."""
    two = SUITE.replace('mode="python"', 'mode=["main", "python"]')
    run = run_suite(two, "-k", "dies", "--foreign-thread-artifacts=some/where")
    assert set(kept(tmp_path / "some" / "where")) == {"test_dies-main", "test_dies-python"}
    assert f"documents in {tmp_path / 'some' / 'where'}" in run.output
    assert not (tmp_path / CACHE).exists()


def test_without_a_cache(run_suite: RunSuite, tmp_path: Path) -> None:
    run = run_suite(SUITE, "-k", "dies", "-p", "no:cacheprovider")
    assert run.outcomes == {"test_dies": "crash"}
    assert run.tests["test_dies"]["artifacts"] == {}
    assert "documents" not in run.output
    assert not (tmp_path / ".pytest_cache").exists()


@pytest.mark.parametrize("place", ["option", "cache"])
# The other folder is made in the same way.
@pytest.mark.by_default("option")
def test_a_file_in_the_way_is_a_note(run_suite: RunSuite, tmp_path: Path, place: str) -> None:
    in_the_way = tmp_path / ("where/" + folder_name("test_it.py::test_dies") if place == "option" else CACHE)
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file")
    args = ["--foreign-thread-artifacts=where"] if place == "option" else []
    run = run_suite(SUITE, "-k", "dies or passes", *args)
    assert run.outcomes == {"test_dies": "crash", "test_passes": "passed"}
    text = " ".join(run.output.split())
    assert "note: documents could not be kept: " in text
    assert "INTERNALERROR" not in run.output
    (note,) = run.tests["test_dies"]["notes"]
    assert str(in_the_way) in note
    assert in_the_way.read_text() == "a file"


def test_workers_share_the_folder(run_suite: RunSuite, tmp_path: Path) -> None:
    run = run_suite(SUITE, "-n2", "-k", "dies or null")
    assert set(kept(tmp_path / CACHE)) == {"test_dies", "test_null_result"}
    assert Path(run.tests["test_dies"]["artifacts"]["stdout"]).is_file()
