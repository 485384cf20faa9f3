"""Whose code a file has: this plugin's, the standard library's, or an installed package's."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path, PurePath
from typing import Final

_OURS: Final = str(Path(__file__).absolute().parents[1]) + os.sep
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib") + os.sep
_PACKAGES: Final = frozenset({"site-packages", "dist-packages"})


def is_ours(file: str) -> bool:
    """Return whether an absolute path is of this plugin."""
    return file.startswith(_OURS)


def is_in_a_package(file: str) -> bool:
    """Return whether a path, absolute or below a project's root, is of an installed package."""
    return not _PACKAGES.isdisjoint(PurePath(file).parts)


def is_in_the_standard_library(file: str) -> bool:
    """Return whether an absolute path is of the standard library, below which packages may be installed."""
    return file.startswith(_STANDARD_LIBRARY) and not is_in_a_package(file)
