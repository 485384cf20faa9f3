"""How the machine-readable report reaches its file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_foreignthread.report import json_report

from .sample_report import valid_document


def test_write_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.json"
    json_report.write(path, valid_document())
    assert json.loads(path.read_text(encoding="utf-8")) == valid_document()
    assert os.listdir(path.parent) == ["report.json"]


def test_write_takes_text_that_is_no_unicode(tmp_path: Path) -> None:
    document = json_report.document([{"message": "\udcff"}], {})
    json_report.write(tmp_path / "report.json", document)
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == document


def never_serializable(_: Any) -> dict[str, Any]:
    return {"tests": [object()]}


def disk_full(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def write_half(self: Path, data: str, encoding: str | None = None) -> int:
        with self.open("w", encoding=encoding) as file:
            file.write(data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    return valid_document()


@pytest.mark.parametrize(("prepare", "error"), [(never_serializable, TypeError), (disk_full, OSError)])
def test_a_write_that_fails_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Any], dict[str, Any]], error: type[Exception]
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    document = prepare(monkeypatch)
    with pytest.raises(error):
        json_report.write(path, document)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    link = tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    json_report.write(link, valid_document())
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8")) == valid_document()


def test_write_does_not_replace_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    # Opened for reading and writing, a FIFO does not wait for its other side; the document fits into its buffer.
    reader = os.open(pipe, os.O_RDWR)
    try:
        json_report.write(pipe, valid_document())
        assert json.loads(os.read(reader, 1 << 16)) == valid_document()
    finally:
        os.close(reader)
    assert pipe.is_fifo()
