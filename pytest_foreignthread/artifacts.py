"""The raw documents of a failure, kept in a folder of the test's own."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

_NAME_LENGTH = 80


@dataclass(frozen=True)
class Kept:
    """Name of a document → its path, and why documents are missing there; None where none is."""

    paths: dict[str, str]
    note: str | None = None


class Artifacts:
    """Keeps the documents of each test's last abnormal run below `root`; with root None it keeps nothing."""

    def __init__(self, root: Path | None, why_none: str | None = None) -> None:
        self._root = root
        self._why_none = why_none

    def keep(self, nodeid: str, documents: dict[str, str]) -> Kept:
        """Write the documents that are not empty."""
        self.forget(nodeid)
        texts = {name: text for name, text in documents.items() if text}
        if self._root is None or not texts:
            return Kept({}, _note(self._why_none) if self._why_none and texts else None)
        folder = self._root / folder_name(nodeid)
        paths: dict[str, str] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                path = folder / f"{name}.txt"
                path.write_text(text, encoding="utf-8", errors="backslashreplace")
                paths[name] = str(path)
        except OSError as error:
            return Kept(paths, _note(error))
        return Kept(paths)

    def forget(self, nodeid: str) -> None:
        """Remove what an earlier run of the test left."""
        if self._root is not None:
            shutil.rmtree(self._root / folder_name(nodeid), ignore_errors=True)


def _note(reason: object) -> str:
    return f"documents could not be kept: {reason}"


def folder_name(nodeid: str) -> str:
    """Give a name that a file system takes; the hash keeps apart what the readable part does not."""
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", nodeid).strip("-.")[-_NAME_LENGTH:]
    return f"{readable}-{hashlib.sha256(nodeid.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
