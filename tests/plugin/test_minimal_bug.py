"""The example: each of its cases has the outcome that its page tells, with its frame and thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "minimal_bug"


def test_every_case_ends_as_told() -> None:
    """`show.py` holds the table of what is expected, and exits with 0 when all of it was seen."""
    command = [sys.executable, "show.py", "-p", "no:cacheprovider"]
    shown = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    table = shown.stdout.rpartition("\ncase ")[2]
    assert table.count("_PyEval_EvalFrameDefault" if sys.version_info >= (3, 11) else "_PyFunction_Vectorcall") == 2
    assert "42 of 42" in table
