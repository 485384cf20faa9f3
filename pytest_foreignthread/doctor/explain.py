"""The command `pytest --foreign-thread-explain=CODE`, which shows the page of a diagnosis and runs no tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .command import write

_INDEX = "index"
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "pages", _PACKAGE.parent / "docs" / "diagnoses")
"""The directory of pages in a wheel, and that of an editable installation."""
_COMMENT = re.compile(r"<!--.*?-->\n", re.DOTALL)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def run(code: str) -> int:
    """Write the page of a diagnosis to stdout and return the exit status; raise UsageError for an unknown code."""
    pages = {path.stem: path for folder in _FOLDERS for path in sorted(folder.glob("*.md"))}
    if code not in pages:
        known = ", ".join(name for name in pages if name != _INDEX)
        raise pytest.UsageError(f"--foreign-thread-explain={code}: expected a diagnosis, one of {known}; got {code!r}")
    page = pages[code].read_text(encoding="utf-8")
    # Comments and the targets of links are for the HTML page only.
    write(_LINK.sub(r"\1", _COMMENT.sub("", page)).rstrip("\n"))
    return pytest.ExitCode.OK
