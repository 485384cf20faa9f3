"""Where the documents of a failure are kept, and when they go."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import RunRecord
from pytest_foreignthread.report.kept.artifacts import Artifacts, folder_name

NODEID: Final = "tests/test_it.py::Case::test_x[new-\N{SNOWMAN}/..]"
DOCUMENTS: Final = {"hs_err": "# SIGSEGV\n", "python": "stack \udcff\n", "stdout": ""}
RECORD: Final = RunRecord(NODEID, "new", Outcome.CRASH, Phase.CALL, 0.5)


def bundle(record: RunRecord, traceback: str) -> dict[str, str]:
    return {"record.json": record.mode, "report.txt": traceback}


def test_documents_that_are_not_empty_are_kept(tmp_path: Path) -> None:
    kept = Artifacts(tmp_path / "deep" / "er").keep(NODEID, DOCUMENTS)
    folder = tmp_path / "deep" / "er" / folder_name(NODEID)
    assert kept.paths == {"hs_err": str(folder / "hs_err.txt"), "python": str(folder / "python.txt")}
    assert sorted(path.name for path in folder.iterdir()) == ["hs_err.txt", "python.txt"]
    assert (folder / "python.txt").read_bytes() == rb"stack \udcff" + b"\n"
    assert kept.note is None


def test_another_run_replaces_all(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.keep(NODEID, DOCUMENTS)
    kept = artifacts.keep(NODEID, {"java_dump": "threads"})
    assert [path.name for path in (tmp_path / folder_name(NODEID)).iterdir()] == ["java_dump.txt"]
    assert list(kept.paths) == ["java_dump"]


def test_forget_takes_one_test_alone(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.keep(NODEID, DOCUMENTS)
    artifacts.keep("other", DOCUMENTS)
    artifacts.forget(NODEID)
    artifacts.forget("never kept")
    assert [path.name for path in tmp_path.iterdir()] == [folder_name("other")]


def test_without_a_root_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = Artifacts(None).keep(NODEID, DOCUMENTS)
    Artifacts(None).forget(NODEID)
    assert (kept.paths, kept.note) == ({}, None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_document_there_is_no_folder(tmp_path: Path) -> None:
    kept = Artifacts(tmp_path).keep(NODEID, {"stdout": ""})
    assert (kept.paths, kept.note) == ({}, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inside", [False, True], ids=["root", "folder"])
def test_a_file_in_the_way_is_a_note(tmp_path: Path, inside: bool) -> None:
    root = tmp_path / "kept"
    in_the_way = root / folder_name(NODEID) if inside else root
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file")
    kept = Artifacts(root).keep(NODEID, DOCUMENTS)
    assert kept.paths == {}
    assert kept.note is not None
    assert kept.note.startswith("documents could not be kept: ")
    assert str(in_the_way) in kept.note
    assert in_the_way.read_text() == "a file"


def test_the_bundle_joins_the_documents(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path, bundle=bundle)
    artifacts.keep(NODEID, DOCUMENTS)
    assert artifacts.complete(RECORD, "stack \udcff") is None
    texts = {path.name: path.read_text() for path in (tmp_path / folder_name(NODEID)).iterdir()}
    assert texts.keys() == {"hs_err.txt", "python.txt", "record.json", "report.txt"}
    assert (texts["record.json"], texts["report.txt"]) == ("new", "stack \\udcff")


def test_a_failure_without_documents_has_a_bundle(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path, bundle=bundle)
    artifacts.keep(NODEID, {})
    artifacts.complete(RECORD, "")
    assert (tmp_path / folder_name(NODEID) / "record.json").is_file()
    artifacts.forget(NODEID)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "make",
    [lambda root: Artifacts(root), lambda root: Artifacts(None, bundle=bundle)],
    ids=["none is wanted", "nowhere to keep it"],
)
def test_no_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Artifacts]) -> None:
    monkeypatch.chdir(tmp_path)
    assert make(tmp_path).complete(RECORD, "") is None
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_written_is_a_note(tmp_path: Path) -> None:
    (tmp_path / folder_name(NODEID)).write_text("a file")
    note = Artifacts(tmp_path, bundle=bundle).complete(RECORD, "")
    assert note is not None
    assert note.startswith("the bundle could not be kept: ")
    assert folder_name(NODEID) in note


def test_half_a_document_is_not_left(tmp_path: Path) -> None:
    """As on a disk that is full."""
    artifacts = Artifacts(tmp_path, bundle=bundle)
    with longest_file(11):
        kept = artifacts.keep(NODEID, DOCUMENTS)
        note = artifacts.complete(RECORD, "a long traceback")
    assert [kept.note, note] == [
        f"{what} could not be kept: [Errno 27] File too large" for what in ("documents", "the bundle")
    ]
    assert list(kept.paths) == ["hs_err"]
    assert {path.name for path in (tmp_path / folder_name(NODEID)).iterdir()} == {"hs_err.txt", "record.json"}


@contextmanager
def longest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=[0o000, 0o022, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_the_owner_alone_may_read(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "deep" / "er", bundle=bundle)
    artifacts.keep(NODEID, DOCUMENTS)
    assert artifacts.complete(RECORD, "traceback") is None
    folder = tmp_path / "deep" / "er" / folder_name(NODEID)
    assert {rights(path) for path in folder.iterdir()} == {0o600}
    assert {rights(path) for path in (folder, folder.parent, folder.parent.parent)} == {0o700}
    assert len(list(folder.iterdir())) == 4


def test_a_folder_of_the_users_keeps_its_rights(tmp_path: Path) -> None:
    root = tmp_path / "kept"
    root.mkdir()
    root.chmod(0o755)
    artifacts = Artifacts(root)
    artifacts.keep(NODEID, DOCUMENTS)
    assert (rights(root), rights(root / folder_name(NODEID))) == (0o755, 0o700)


def test_a_tests_folder_that_others_may_read_is_made_private(tmp_path: Path) -> None:
    """One that came after this process had looked, so that it is not replaced as a whole."""
    artifacts = Artifacts(tmp_path)
    folder = tmp_path / folder_name(NODEID)
    folder.mkdir()
    (folder / "python.txt").write_text("of another run")
    for path in (folder, folder / "python.txt"):
        path.chmod(0o777)
    artifacts.keep(NODEID, {"python": "stack"})
    assert (rights(folder), rights(folder / "python.txt")) == (0o700, 0o600)
    assert (folder / "python.txt").read_text() == "stack"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """In a folder that others may write to, a link may stand where the test's own folder belongs."""
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "kept"
    elsewhere.mkdir()
    root.mkdir()
    (root / folder_name(NODEID)).symlink_to(elsewhere)
    kept = Artifacts(root).keep(NODEID, DOCUMENTS)
    assert (kept.paths, list(elsewhere.iterdir())) == ({}, [])
    assert kept.note is not None
    assert "File exists" in kept.note


def test_what_hotspot_quotes_is_filtered(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifacts.keep(NODEID, {"jvm_start": "Picked up JAVA_TOOL_OPTIONS: -Da=hunter2\n", "stdout": "-Da=hunter2\n"})
    texts = {path.name: path.read_text() for path in (tmp_path / folder_name(NODEID)).iterdir()}
    assert texts == {
        "jvm_start.txt": "Picked up JAVA_TOOL_OPTIONS: -Da=[left out]\n",
        "stdout.txt": "-Da=hunter2\n",
    }


@pytest.mark.parametrize(
    ("nodeid", "readable"),
    [
        ("test_it.py::test_x", "test_it.py-test_x-"),
        ("a/b.py::C::test_x[new]", "a-b.py-C-test_x-new-"),
        ("../../etc", "etc-"),
        ("..", "-"),
        ("\udcff\0/", "-"),
        ("x" * 300, "x" * 80 + "-"),
    ],
)
def test_names(nodeid: str, readable: str) -> None:
    name = folder_name(nodeid)
    assert name.startswith(readable)
    assert len(name) == len(readable) + 8
    assert "/" not in name


def test_names_differ_where_only_a_sign_does() -> None:
    nodeids = ["t.py::test[a/b]", "t.py::test[a.b]", "t.py::test[a:b]", "t.py::test[a b]", "t.py::test[A/b]"]
    assert len({folder_name(nodeid).lower() for nodeid in nodeids}) == len(nodeids)
