"""The output and the sources that the documents show are those of today."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ..docs_pages import ROOT, load_refresh, shown, variables

REFRESH: Final = load_refresh()
README: Final = ROOT / "README.md"
# Those of docs/diagnoses are looked at where their diagnoses are.
PAGES: Final = [
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if (ROOT / "docs" / "diagnoses") not in page.parents),
    ROOT / "examples" / "minimal_bug" / "README.md",
]


# The page with an output of the installed example is looked at where the example is installed, and the one with an
# output of Clojure where Clojure is.
SHOWN: Final = [
    page
    for page in REFRESH.documents()
    if page in PAGES and page.stem != "clojure" and "output of: downstream" not in page.read_text("utf-8")
]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.stem)
def test_the_output_is_current(page: Path) -> None:
    found = shown(page)
    assert found.today == found.page


def test_the_sources_are_current() -> None:
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    assert [page for page, text in texts.items() if REFRESH.with_sources(text) != text] == []


def test_the_command_finds_no_fault_with_the_readme() -> None:
    command = [sys.executable, "docs/refresh.py", "--check", "README.md"]
    environment = {**os.environ, **variables()}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
