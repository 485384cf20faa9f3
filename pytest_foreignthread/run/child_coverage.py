"""Coverage that a child has saved → that of the pytest process."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from ..supervise import child_files

_LONGEST: Final = 1024**3
"""Bytes of a child's data that are taken in."""
_PARTS: Final = ("", "-journal", "-wal")
"""Of the names of a database and of what SQLite keeps beside it."""


def take_in(file: Path) -> str | None:
    """Add what the file has to what is measured here; return what was wrong with it, None where nothing was.

    A child that dies while it saves leaves what it had saved before.
    """
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage is not None else None
    if coverage is None or measuring is None:
        return None
    try:
        # SQLite follows links, waits for FIFOs, and takes the files beside it for its own.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix="copy-") as folder:
            if (copied := _copied(file, Path(folder))) is not None:
                _add(coverage.CoverageData(basename=str(copied)), measuring.get_data())
    # The content is the child's: what SQLite and coverage raise for it is not known in advance.
    except Exception as error:
        return f"coverage of the child could not be read: {error}"
    return None


def _copied(file: Path, folder: Path) -> Path | None:
    """Return the copy of a database; None where there is none."""
    copied = folder / file.name
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            child_files.copy(file.with_name(f"{file.name}{part}"), folder / f"{file.name}{part}", _LONGEST)
    return copied if copied.exists() else None


def _add(data: Any, whole: Any) -> None:
    try:
        data.read()
        whole.update(data)
    finally:
        data.close()
