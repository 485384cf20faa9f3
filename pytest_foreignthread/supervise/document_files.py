"""The documents of a child, read from its scratch directory."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ..model.documents import HS_ERR, PYTHON, SCRATCH_FILES, Documents
from ..model.observation import Taken
from . import child_files


def read(folder: Path) -> Taken:
    """Return the documents in `folder` (name → text), and those that exist but cannot be read (name → reason)."""
    found: Documents = {}
    missing: dict[str, str] = {}
    for name in SCRATCH_FILES:
        read_one(name, folder / name, found, missing)
    return found, missing


def read_one(name: str, path: Path, found: Documents, missing: dict[str, str], start: int = 0) -> None:
    """Add the text of a document, from byte `start` on, to `found`, or to `missing` why it cannot be read.

    Do nothing if it does not exist.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            found[name] = child_files.read_text(path, start)
        except child_files.UnreadableError as error:
            missing[name] = f"it could not be read: {error}"


def has_death_document(folder: Path) -> bool:
    """Return whether `folder` has a document that a process writes while it dies of a fatal error."""
    found: Documents = {}
    missing: dict[str, str] = {}
    for name in (HS_ERR, PYTHON):
        read_one(name, folder / name, found, missing)
    return bool(found.get(HS_ERR)) or "Fatal Python error" in found.get(PYTHON, "")
