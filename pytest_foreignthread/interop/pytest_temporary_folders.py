"""pytest's temporary directories of a run, of which the base has a private name."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from .pytest_fixtures import fixture_names


def make_base_folder(session: pytest.Session) -> None:
    """Call before the first fork: let the directory that a run's temporary directories lie in be made here, once.

    pytest makes it when it is first asked for. Each child would make one of its own, and push the user's last three
    out; none would be cleared, for a child does not leave by way of `atexit`.
    """
    if any("tmp_path_factory" in fixture_names(item) for item in session.items):
        factory = _factory_of(session.config)
        if factory is not None:
            # Where there is no room, the tests that ask for it say so.
            with contextlib.suppress(OSError):
                factory.getbasetemp()


def base_folder(config: pytest.Config) -> Path | None:
    """Return the directory of the run's temporary directories; None where none was made.

    `getbasetemp`, which is public, would make it.
    """
    return getattr(_factory_of(config), "_basetemp", None)


def _factory_of(config: pytest.Config) -> Any:
    """Return the value of `tmp_path_factory`, which is public in a test's request only; None where there is none.

    Without it there is a directory for each child, no more.
    """
    return getattr(config, "_tmp_path_factory", None)
