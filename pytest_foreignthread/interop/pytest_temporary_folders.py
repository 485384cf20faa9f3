"""pytest's temporary directories of a run, whose base directory has a private name."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from .pytest_fixtures import fixture_names


def make_base_folder(session: pytest.Session) -> None:
    """Create the base directory of the run's temporary directories; call before the first fork.

    pytest creates it at its first use. Otherwise each child would create its own, and pytest would remove the user's
    last three. No child would remove its own, because a child does not run `atexit` handlers.
    """
    if any("tmp_path_factory" in fixture_names(item) for item in session.items):
        factory = _factory_of(session.config)
        if factory is not None:
            # If the disk is full, the tests that use it report that.
            with contextlib.suppress(OSError):
                factory.getbasetemp()


def base_folder(config: pytest.Config) -> Path | None:
    """Return the base directory of the run's temporary directories; None if none was created.

    The public `getbasetemp` would create it.
    """
    return getattr(_factory_of(config), "_basetemp", None)


def _factory_of(config: pytest.Config) -> Any:
    """Return the value of `tmp_path_factory`; None if there is none.

    Only a test's request has it publicly. Without the value, each child has a base directory of its own; nothing else
    breaks.
    """
    return getattr(config, "_tmp_path_factory", None)
