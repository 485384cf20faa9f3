"""Each tutorial is followed word by word, in a fresh directory, and does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from ..docs_pages import variables
from .conftest import ENDLESS

ROOT: Final = Path(__file__).parents[2]
TUTORIALS: Final = sorted(path.stem for path in (ROOT / "docs" / "tutorial").glob("*.md"))


def check(name: str, *arguments: str, timeout: float = ENDLESS, env: Mapping[str, str]) -> None:
    command = [sys.executable, "docs/follow.py", *arguments, f"docs/tutorial/{name}.md"]
    whole = {**os.environ, **env}
    done = subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=timeout, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.by_default("first-test")
@pytest.mark.parametrize("name", TUTORIALS)
def test_the_page_does_what_it_says(name: str) -> None:
    check(name, env=variables())


@pytest.mark.thorough
def test_the_page_does_what_it_says_in_an_environment_that_it_makes_itself() -> None:
    assert "$ python3 -m venv .venv\n" in (ROOT / "docs" / "tutorial" / "first-test.md").read_text(encoding="utf-8")
    # The installation fetches 60 MB.
    check("first-test", "--install", timeout=3 * ENDLESS, env={})
