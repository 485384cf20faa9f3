"""Each tutorial is followed word by word, in a fresh directory, and does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ..docs_pages import variables
from .conftest import ENDLESS

ROOT: Final = Path(__file__).parents[2]
TUTORIALS: Final = sorted(path.stem for path in (ROOT / "docs" / "tutorial").glob("*.md"))


@pytest.mark.by_default("first-test")
@pytest.mark.parametrize("name", TUTORIALS)
def test_the_page_does_what_it_says(name: str) -> None:
    command = [sys.executable, "docs/follow.py", f"docs/tutorial/{name}.md"]
    for _ in range(3):
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **variables()},
            capture_output=True,
            text=True,
            timeout=ENDLESS,
            check=False,
        )
        # On a busy machine a report lacks C frames, says so, and is not the page's for that reason only.
        if "did not end in time" not in done.stdout:
            break
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
