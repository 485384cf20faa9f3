"""The hook that a project may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .settings import Launcher


def pytest_foreign_thread_modes(config: pytest.Config) -> Mapping[str, Launcher]:  # type: ignore[empty-body]
    """Give modes of the project's own: name → launcher.

    The launcher is called in the child, where the JVM runs, with a `java.lang.Runnable`; it sees to it that its
    `run()` is called once on the thread that the mode is for, as `java.util.concurrent.Executor.execute` does.
    A name is of letters, digits and `_`. Called at start-up, in an xdist worker too.
    """
