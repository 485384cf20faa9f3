"""One entry of the cache: an archive with its checksum, or the reason why there is none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .folder import NEW
from .lock import locked

ABOUT: Final = "about.json"
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Archive:
    """An archive whose checksum was right. It is trusted as long as it is the same, unchanged file."""

    path: Path
    identity: tuple[int, ...]

    def is_there(self) -> bool:
        return _identity(self.path) == self.identity


@dataclass(frozen=True)
class Failed:
    """The entry of an archive that could not be made, and the reason."""

    reason: str


def read(entry: Path) -> Archive | Failed | None:
    """Return the content of an entry; None if it is missing or broken, or a failure whose time is over."""
    try:
        about = json.loads((entry / ABOUT).read_text(encoding="utf-8"))
        if "failed" in about:
            return Failed(str(about["failed"])) if time.time() < float(about["again"]) else None
        path = entry / os.path.basename(str(about["file"]))
        identity = _identity(path)
        # HotSpot checks only the header of an archive: a flipped bit behind it would crash the tests.
        if identity is None or digest(path) != about["sha256"]:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Archive(path, identity)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits; raise OSError if it cannot be read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def publish(new: Path, archive: Path, parts: dict[str, Any]) -> None:
    """Turn a directory with an archive into an entry, by removing NEW from its name; raise OSError."""
    _publish(new, {"file": archive.name, "sha256": digest(archive), "for": parts})


def publish_failure(new: Path, reason: str, parts: dict[str, Any], seconds: float) -> None:
    """Turn a directory into the entry of a failure, which keeps runs from trying again for `seconds`; raise OSError."""
    _publish(new, {"failed": reason, "again": time.time() + seconds, "for": parts})


def note_failure(entry: Path, reason: str, seconds: float) -> None:
    """Make the entry of a failure; do nothing if another process is making the entry, or if nothing can be written."""
    new = entry.with_name(f"{entry.name}{NEW}")
    with contextlib.suppress(OSError):
        new.mkdir(mode=0o700)
        with locked(new) as mine:
            if mine:
                publish_failure(new, reason, {}, seconds)


def _publish(new: Path, about: dict[str, Any]) -> None:
    (new / ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    entry = new.with_name(new.name.removesuffix(NEW))
    # Only the holder of the lock comes here. The rename is atomic: a reader finds a complete entry or none.
    shutil.rmtree(entry, ignore_errors=True)
    new.rename(entry)
