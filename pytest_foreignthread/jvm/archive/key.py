"""The key of an archive: all that it was made with. It can only be used with the same JVM, JPype and arguments."""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from ... import __version__
from ...interop.jpype import extension_file, own_jar
from ...model.settings import Jvm
from .jvm_flags import JvmWords

FORMAT: Final = 1
"""The version of the files in the cache directory, and of the calls that the training makes."""


def key_parts(jvm: Jvm, profile: str, words: JvmWords) -> dict[str, Any]:
    """Return the parts of the key as plain data. Of the arguments only those count that matter to an archive.

    The class path is no part of the key: JPype's own jar is the first in it, and HotSpot accepts a different rest.
    """
    return {
        "format": FORMAT,
        "plugin": __version__,
        "machine": f"{platform.system()} {platform.machine()}",
        # lib/modules has the classes of the JDK.
        "jvm": [jvm.version, _stamp(jvm.library), _stamp(jvm.library.parents[1] / "modules")],
        "jpype": [_version("jpype1"), *(_stamp(path) for path in filter(None, (extension_file(), own_jar())))],
        "profile": profile,
        "words": asdict(words.significant),
    }


def key_of(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[str | int] | None:
    """Return path, size and time of a file, by which HotSpot, too, tells whether a JDK or a jar has changed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [str(path), status.st_size, status.st_mtime_ns]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
