"""The wheel holds the package whole, with its entry point, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, capture_output=True, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_every_module_is_in_it(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "pytest_foreignthread"
    templates = (package / "report" / "templates").iterdir()
    files = {str(path.relative_to(ROOT)) for path in (*package.rglob("*.py"), package / "py.typed", *templates)}
    pages = {f"pytest_foreignthread/pages/{path.name}" for path in (ROOT / "docs" / "diagnoses").glob("*.md")}
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == files | pages


def test_pytest_finds_it(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    assert "[pytest11]\nforeign_thread = pytest_foreignthread.plugin\n" in wheel.read(name).decode()
