"""Files that a child may have replaced: none is followed, waited for or read without an end."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coverage
import pytest

from pytest_foreignthread.run import child_coverage
from pytest_foreignthread.supervise import child_files
from pytest_foreignthread.supervise.process.lender import Lender

USERS = "the user's"


def link(path: Path) -> None:
    path.with_name("users").write_text(USERS)
    path.symlink_to(path.with_name("users"))


def unix_socket(path: Path) -> None:
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (link, "a symbolic link"),
    "fifo": (os.mkfifo, "a FIFO"),
    "directory": (Path.mkdir, "a directory"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "a symbolic link"),
    "socket": (unix_socket, "a socket"),
}
kinds = pytest.mark.parametrize(("make", "word"), KINDS.values(), ids=KINDS)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@kinds
def test_what_is_no_file_is_not_read(tmp_path: Path, make: Callable[[Path], object], word: str) -> None:
    make(path := tmp_path / "document")
    with pytest.raises(child_files.UnreadableError, match=f"^expected a regular file, got {word}$"):
        child_files.read_text(path)
    with pytest.raises(child_files.UnreadableError, match=word):
        child_files.copy(path, tmp_path / "copy", 100)
    assert not (tmp_path / "copy").exists()
    assert child_files.size(path) == 0


def test_what_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        child_files.read_text(tmp_path / "none")
    assert child_files.size(tmp_path / "none") == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="to root permissions mean nothing")
def test_a_file_without_permissions(tmp_path: Path) -> None:
    (tmp_path / "closed").touch(mode=0)
    with pytest.raises(child_files.UnreadableError, match="Permission denied"):
        child_files.read_text(tmp_path / "closed")


def test_of_a_long_file_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(2**40)
        file.seek(2**40)
        file.write(b"end")
    text = child_files.read_text(path)
    left_out = 2**40 + 3 - child_files.LONGEST
    assert text.startswith(f"[the first {left_out} bytes are left out]\n")
    assert text.endswith("end")
    with pytest.raises(child_files.UnreadableError, match="bytes, expected 100 at most"):
        child_files.copy(path, tmp_path / "copy", 100)


def test_a_file_without_a_true_size_is_read_to_its_limit() -> None:
    assert child_files.read_text(Path("/proc/self/status")).startswith("Name:")


@pytest.mark.parametrize(("start", "text"), [(0, "abc"), (2, "c"), (3, ""), (9, "")])
def test_from_a_place_on(tmp_path: Path, start: int, text: str) -> None:
    (tmp_path / "file").write_text("abc")
    assert child_files.read_text(tmp_path / "file", start) == text


def second_name(path: Path) -> None:
    os.mkfifo(path.with_name("another"))
    os.link(path.with_name("another"), path)


@pytest.mark.parametrize("make", [link, Path.mkdir, Path.touch, second_name, lambda path: path.symlink_to("/dev/null")])
def test_no_answer_is_written_to_what_is_no_fifo(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(path := tmp_path / "debugger")
    with pytest.raises(child_files.UnreadableError, match=r"^expected a FIFO"):
        child_files.open_fifo(path)
    lender = Lender(path)
    lender.lend(lambda: None, at_terminal=False, at=0.0, began=0.0)
    lender.take_back(in_order=True)
    if path.is_file():
        assert path.read_text() in ("", USERS)


def test_an_answer_is_written_to_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "debugger")
    descriptor = child_files.open_fifo(path)
    try:
        Lender(path).lend(lambda: None, at_terminal=False, at=0.0, began=0.0)
        assert os.read(descriptor, 10) == b"y"
    finally:
        os.close(descriptor)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is measured in the pytest process."""
    data = coverage.CoverageData(no_disk=True)
    running = SimpleNamespace(get_data=lambda: data)
    stand_in = SimpleNamespace(Coverage=SimpleNamespace(current=lambda: running), CoverageData=coverage.CoverageData)
    monkeypatch.setitem(sys.modules, "coverage", stand_in)
    return data


def save(path: Path) -> None:
    data = coverage.CoverageData(basename=str(path))
    data.add_lines({"/a.py": [1, 2]})
    data.write()
    data.close()


def test_coverage_of_a_child_is_taken_in(tmp_path: Path, whole: Any) -> None:
    save(path := tmp_path / "coverage.child")
    assert child_coverage.take_in(path) is None
    assert sorted(whole.lines("/a.py")) == [1, 2]
    assert list(tmp_path.iterdir()) == [path]
    assert child_coverage.take_in(tmp_path / "none") is None


@pytest.mark.parametrize("part", ["", "-journal", "-wal"])
@kinds
def test_coverage_that_is_no_file_is_reported(
    tmp_path: Path, whole: Any, make: Callable[[Path], object], word: str, part: str
) -> None:
    path = tmp_path / "coverage.child"
    if part:
        save(path)
    make(path.with_name(f"coverage.child{part}"))
    reason = child_coverage.take_in(path)
    assert reason == f"coverage of the child could not be read: expected a regular file, got {word}"
    assert whole.measured_files() == set()


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
def test_coverage_of_any_content_raises_nothing(tmp_path: Path, whole: Any, content: bytes) -> None:
    (path := tmp_path / "coverage.child").write_bytes(content)
    child_coverage.take_in(path)
    assert whole.measured_files() == set()
