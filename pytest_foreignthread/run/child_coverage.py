"""Adds the coverage data that a child has saved to the data of the pytest process."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ..supervise import child_files

_MOST_BYTES: Final = 1024**3
"""Bytes of a child's data that are read: a size that a child states is not trusted."""
_PARTS: Final = ("", "-journal", "-wal")
"""Suffixes of the names of a database and of the files that SQLite keeps beside it."""


def take_in(file: Path) -> str | None:
    """Add the data in the file to what this process measures. Return what was wrong with the file, or None.

    Nothing is added if this process measures no coverage. A child that dies while it saves its data leaves what it had
    saved before.
    """
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage is not None else None
    if coverage is None or measuring is None:
        return None
    try:
        # A copy, because SQLite follows links, waits for FIFOs, and trusts any journal beside the database: a test
        # may have put each of these there.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix="copy-") as folder:
            if (copied := _copied(file, Path(folder))) is not None:
                _add(coverage.CoverageData(basename=str(copied)), measuring.get_data())
    # The content comes from the child: no list names every exception that SQLite and coverage raise for bad content.
    except Exception as error:
        return f"coverage of the child could not be read: {error}"
    return None


def _copied(file: Path, folder: Path) -> Path | None:
    """Copy a database and SQLite's files beside it; return the copy's path, None if there is no database."""
    copied = folder / file.name
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            child_files.copy(file.with_name(f"{file.name}{part}"), folder / f"{file.name}{part}", _MOST_BYTES)
    return copied if copied.exists() else None


def _add(data: Any, whole: Any) -> None:
    try:
        data.read()
        whole.update(data)
    finally:
        data.close()
