"""Where the session of a run is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .session import Run

RUN: pytest.StashKey[Run] = pytest.StashKey()
"""Present once the run needs this plugin."""
