"""How a report reaches its file."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.report import json_report, whole_file

from .sample_report import valid_document

TEXT: Final = json_report.render(valid_document())


def test_write_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.json"
    whole_file.write(path, TEXT)
    assert json.loads(path.read_text(encoding="utf-8")) == valid_document()
    assert os.listdir(path.parent) == ["report.json"]


def test_a_private_report_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    whole_file.write(path, TEXT)
    assert path.read_text(encoding="utf-8") == TEXT
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_json_holds_text_that_is_no_unicode(tmp_path: Path) -> None:
    document = json_report.document([{"message": "\udcff"}], {})
    whole_file.write(tmp_path / "report.json", json_report.render(document))
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == document


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("old", encoding="utf-8")

    def write_half(self: Path, data: str, encoding: str | None = None) -> int:
        with self.open("w", encoding=encoding) as file:
            file.write(data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OSError, match="No space left"):
        whole_file.write(path, TEXT)
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["report.json"]


def test_write_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    target = tmp_path / "target.json"
    link = tmp_path / "link.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    whole_file.write(link, TEXT)
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8")) == valid_document()


def test_write_does_not_replace_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    # Opened for reading and writing, a FIFO does not wait for its other side; the document fits into its buffer.
    reader = os.open(pipe, os.O_RDWR)
    try:
        whole_file.write(pipe, TEXT)
        assert json.loads(os.read(reader, 1 << 16)) == valid_document()
    finally:
        os.close(reader)
    assert pipe.is_fifo()
