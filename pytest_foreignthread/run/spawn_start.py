"""The data that a fresh interpreter reads from a file, so that its pytest is configured like the pytest process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..model.settings import Settings

FILE: Final = "fresh_start"
"""Name of the file in the scratch directory."""


@dataclass(frozen=True)
class FreshStart:
    """How the pytest process was started, and how the fresh pytest must differ from it."""

    folder: str
    """The directory in which pytest was started."""
    argv: tuple[str, ...]
    args: tuple[str, ...]
    """pytest's arguments."""
    worker_input: Mapping[str, Any] | None
    """What xdist's controller has sent this worker; None if the pytest process is not an xdist worker."""
    options: Mapping[str, Any]
    """Options whose value the fresh pytest must change. An option that it does not have is skipped."""
    files: tuple[str, ...]
    """The files to collect."""
    settings: Settings
    """The settings of the child's first test; the child's other tests have the same JVM."""
    colours: bool
    coverage: Any
    """A `CoverageOptions`; None if the pytest process measures no coverage."""
