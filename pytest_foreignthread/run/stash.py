"""The key of the `Run` in `config.stash`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .session import Run

RUN: pytest.StashKey[Run] = pytest.StashKey()
"""Present in `config.stash` once the run needs this plugin."""
