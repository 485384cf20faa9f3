"""The owner of a file's code: this plugin, the standard library, or an installed package."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path, PurePath
from typing import Final

_OURS: Final = str(Path(__file__).absolute().parents[1]) + os.sep
_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib") + os.sep
_PACKAGES: Final = frozenset({"site-packages", "dist-packages"})


def is_ours(file: str) -> bool:
    """Return whether an absolute path is that of a file of this plugin."""
    return file.startswith(_OURS)


def is_in_a_package(file: str) -> bool:
    """Return whether a path, absolute or relative to a project's root, is that of an installed package's file."""
    return not _PACKAGES.isdisjoint(PurePath(file).parts)


def is_in_the_standard_library(file: str) -> bool:
    """Return whether an absolute path is that of a file of the standard library.

    The directory of packages often lies below that of the standard library, and does not count.
    """
    return file.startswith(_STANDARD_LIBRARY) and not is_in_a_package(file)
