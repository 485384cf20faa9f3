"""The output that the documents show is what their commands give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_shown_output_is_current() -> None:
    # Those of docs/diagnoses are looked at where their diagnoses are, and those of the installed example where it is.
    diagnoses = ROOT / "docs" / "diagnoses"
    pages = [
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if diagnoses not in path.parents and "output of: downstream" not in path.read_text(encoding="utf-8")
    ]
    paths = ["README.md", *map(str, pages), "examples/minimal_bug/README.md"]
    command = [sys.executable, "docs/refresh.py", "--check", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
