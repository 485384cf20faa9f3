"""What an archive was made with: it is of use beside the same things alone."""

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
"""Of what lies in the cache directory, and of the training."""


def key_parts(jvm: Jvm, profile: str, words: JvmWords) -> dict[str, Any]:
    """Return what the key is made of, as plain data. Of the words those that matter are taken.

    The class path is not among it: JPype's own jar comes first there, and HotSpot lets the rest differ.
    """
    return {
        "format": FORMAT,
        "plugin": __version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "jvm": [jvm.version, _stamp(jvm.library), _stamp(jvm.library.parents[1] / "modules")],
        "jpype": [_version("jpype1"), *(_stamp(path) for path in filter(None, (extension_file(), own_jar())))],
        "profile": profile,
        "words": asdict(words.significant),
    }


def key_of(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[str | int] | None:
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
