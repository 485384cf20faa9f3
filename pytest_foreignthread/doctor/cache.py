"""The class archive with which the JVMs of a run would start."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..jvm.archive.folder import CacheError, existing_folder
from ..jvm.archive.use import CacheOfRun
from .findings import Finding, one_line

SECTION: Final = "cache"


def state(cache: CacheOfRun | None) -> Finding:
    """Return the finding on the archive; `cache` is None if no JVM was found."""
    if cache is None:
        return Finding(SECTION, "state", "ok", "not looked for: there is no JVM")
    words = one_line(cache)
    if not cache.failed:
        return Finding(SECTION, "state", "ok", words)
    help = "--foreign-thread-cache-clear lets the next run try again; foreign_thread_cache=false does without"
    return Finding(SECTION, "state", "note", words, help)


def place() -> Finding:
    """Return the finding on the cache directory. A directory that is refused is only a note: it costs time, no test."""
    try:
        folder = existing_folder()
    except CacheError as error:
        return Finding(SECTION, "folder", "note", str(error), "mend that, or name another place in XDG_CACHE_HOME")
    return Finding(SECTION, "folder", "ok", _short(folder) if folder is not None else "not made yet")


def _short(folder: Path) -> str:
    try:
        return f"~/{folder.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(folder)
