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
    write(_as_text(pages[code].read_text(encoding="utf-8")).rstrip("\n"))
    return pytest.ExitCode.OK


def _as_text(page: str) -> str:
    """Return a page without what only its HTML form needs."""
    return _LINK.sub(r"\1", _COMMENT.sub("", page))
