"""What a fresh interpreter is told, so that its pytest is one such as this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..model.settings import Settings

FILE: Final = "fresh_start"
"""Name in the scratch directory."""


@dataclass(frozen=True)
class FreshStart:
    folder: str
    """Where pytest was started."""
    argv: tuple[str, ...]
    args: tuple[str, ...]
    """pytest's arguments."""
    worker_input: Mapping[str, Any] | None
    """What xdist has told its worker; None elsewhere."""
    options: Mapping[str, Any]
    """Options of which the value is another there, where pytest has them."""
    files: tuple[str, ...]
    """What is collected."""
    settings: Settings
    """Those of the first test; the others of its child have the same JVM."""
    colours: bool
    coverage: Any
    """A `CoverageOptions`; None where the pytest process is not measured."""
