"""The user's cache directory: its path, whether it is safe, and the removal of old entries."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from .lock import locked

MOST_ENTRIES: Final = 10
UNUSED_DAYS: Final = 30
NEW: Final = ".new"
"""The end of a directory's name while an entry is made in it."""

_ENTRY: Final = re.compile(r"[0-9a-f]{32}(\.new)?")


class CacheError(Exception):
    """No cache can be used; the text says why."""


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return `$XDG_CACHE_HOME/pytest-foreignthread`, or else `~/.cache/pytest-foreignthread`; make it if it is missing.

    Raise CacheError if the directory cannot be made, if other users may write to it, or if it belongs to another user:
    HotSpot maps an archive into the process and trusts it.
    """
    base = _base(environ)
    folder = base / "pytest-foreignthread"
    try:
        if not base.is_dir():
            base.mkdir(mode=0o700)
        _check_base(base)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
    except OSError as error:
        raise CacheError(f"{folder} cannot be made: {error.strerror}") from None
    return _safe(folder, status)


def existing_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the directory of `cache_folder` without making it; None if it is missing. Raise CacheError if unsafe."""
    base = _base(environ)
    folder = base / "pytest-foreignthread"
    try:
        _check_base(base)
        return _safe(folder, folder.lstat())
    except OSError:
        return None


def _check_base(base: Path) -> None:
    if base.stat().st_uid not in (os.getuid(), 0):
        raise CacheError(f"{base} belongs to another user")


def _safe(folder: Path, status: os.stat_result) -> Path:
    if not stat.S_ISDIR(status.st_mode):
        raise CacheError(f"{folder} is no directory")
    if status.st_uid != os.getuid():
        raise CacheError(f"{folder} belongs to another user")
    if status.st_mode & 0o022:
        raise CacheError(f"others may write to {folder}")
    return folder


def _base(environ: Mapping[str, str]) -> Path:
    # The XDG specification says to ignore a relative path.
    if os.path.isabs(named := environ.get("XDG_CACHE_HOME", "")):
        return Path(named)
    home = environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise CacheError("there is no home directory")
    return Path(home) / ".cache"


def _entries(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if _ENTRY.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def clear(folder: Path) -> int:
    """Remove all entries except those that are being made; return how many bytes they took. Raise OSError."""
    size = 0
    for entry in _entries(folder):
        with locked(entry) as mine:
            if mine or entry.suffix != NEW:
                size += sum(path.lstat().st_size for path in entry.rglob("*"))
                shutil.rmtree(entry)
    return size


def prune(folder: Path) -> None:
    """Remove entries that no run has used for `UNUSED_DAYS`, and the oldest above `MOST_ENTRIES`; raise OSError."""
    ages = sorted((time.time() - _last_use(entry), entry) for entry in _entries(folder) if entry.suffix != NEW)
    for place, (age, entry) in enumerate(ages):
        if place >= MOST_ENTRIES or age > UNUSED_DAYS * 86400:
            shutil.rmtree(entry, ignore_errors=True)
    for abandoned in folder.glob(f"*{NEW}"):
        with locked(abandoned) as mine:
            if mine:
                shutil.rmtree(abandoned, ignore_errors=True)


def _last_use(entry: Path) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0


def mark_used(entry: Path) -> None:
    """Note that a run uses an entry; do nothing if the cache cannot be written, as in a read-only image of CI."""
    with contextlib.suppress(OSError):
        os.utime(entry)
