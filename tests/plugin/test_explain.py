"""`--foreign-thread-explain`: the page of a diagnosis in place of a run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ..forked_runs import run_python
from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS

PAGES = Path(__file__).resolve().parents[2] / "docs" / "diagnoses"


def explained(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text("def test_it():\n    print('it ran')\n", encoding="utf-8")
    return run_python(run_command("-p", "no:cacheprovider", *args), folder, {**os.environ, **FEW_PLUGINS}, ENDLESS)


@pytest.mark.parametrize("args", [["--foreign-thread-explain=no-gil"], ["--foreign-thread-explain", "no-gil", "-s"]])
def test_a_page_is_printed_and_no_test_runs(tmp_path: Path, args: list[str]) -> None:
    done = explained(tmp_path, *args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# no-gil: C code called Python without the GIL\n")
    # Its example, and what comes of it.
    assert "SEGFAULT docs/examples/diagnoses/test_no_gil.py::" in done.stdout
    assert "<!--" not in done.stdout
    assert "it ran" not in done.stdout


def test_without_a_code_all_are_listed(tmp_path: Path) -> None:
    done = explained(tmp_path, "--foreign-thread-explain")
    assert done.returncode == 0
    codes = {path.stem for path in PAGES.glob("*.md")} - {"index", "none"}
    assert {code for code in codes if f"| {code} |" in done.stdout} == codes


@pytest.mark.parametrize("code", ["nothing", "", "../options", "index.md"])
def test_a_diagnosis_that_there_is_not(tmp_path: Path, code: str) -> None:
    done = explained(tmp_path, f"--foreign-thread-explain={code}")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"ERROR: --foreign-thread-explain={code}: expected a diagnosis, one of aborted, ")
    assert line.endswith(f"; got {code!r}")
