"""`pytest --foreign-thread-explain=CODE`, in place of a run: the page of a diagnosis, from what is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .command import write

_INDEX = "index"
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "pages", _PACKAGE.parent / "docs" / "diagnoses")
"""Of a wheel, and of an editable installation."""
_COMMENT = re.compile(r"<!--.*?-->\n", re.DOTALL)
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def run(code: str) -> int:
    """Write the page to stdout; raise UsageError for a diagnosis that there is not."""
    pages = {path.stem: path for folder in _FOLDERS for path in sorted(folder.glob("*.md"))}
    if code not in pages:
        known = ", ".join(name for name in pages if name != _INDEX)
        raise pytest.UsageError(f"--foreign-thread-explain={code}: expected a diagnosis, one of {known}; got {code!r}")
    page = pages[code].read_text(encoding="utf-8")
    # Comments and links mean something in the HTML form only.
    write(_LINK.sub(r"\1", _COMMENT.sub("", page)).rstrip("\n"))
    return pytest.ExitCode.OK
