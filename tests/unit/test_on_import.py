"""Blocks around the import of a module, one in the other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from pytest_foreignthread.interop.on_import import OnImport


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_files_of_a_package_are_found_while_it_is_imported(
    depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "with_data").mkdir()
    (tmp_path / "with_data" / "__init__.py").touch()
    (tmp_path / "with_data" / "data.txt").write_text("there")
    monkeypatch.syspath_prepend(tmp_path)
    found = []

    @contextmanager
    def reads() -> Iterator[None]:
        found.append((files("with_data") / "data.txt").read_text())
        yield

    around = [OnImport("with_data", around=reads) for _ in range(depth)]
    importlib.import_module("with_data")
    del sys.modules["with_data"]
    assert found == ["there"] * depth
    assert not [one for one in around if one in sys.meta_path]
