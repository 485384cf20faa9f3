"""The hooks that a project or a plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .model.modes import Launcher, OwnMode


def pytest_foreign_thread_modes(config: pytest.Config) -> Mapping[str, Launcher | OwnMode]:  # type: ignore[empty-body]
    """Return modes of the project's own: name → launcher, or name → `OwnMode(launcher, needs_jvm=False)`.

    The launcher is called in the child, where the JVM runs, with a `java.lang.Runnable`; it sees to it that its
    `run()` is called once on the thread that the mode is for, as `java.util.concurrent.Executor.execute` does.
    The launcher of a mode that needs no JVM is called with a Python callable of no arguments, to be called once.
    A name is of letters, digits and `_`. Called at start-up, in an xdist worker too.
    """


def pytest_foreign_thread_carry(item: pytest.Item) -> Mapping[str, Any] | None:
    """Return what the pytest process is to know of a test that has run in a child: a name of your own → plain data.

    Called in the child after the test's last report is made. JSON carries the data: tuples arrive as lists, and what
    JSON does not take as text.
    """


def pytest_foreign_thread_carried(item: pytest.Item, data: Mapping[str, Any] | None) -> None:
    """Take what `pytest_foreign_thread_carry` gave, of all plugins; None of a test that has not come to its end.

    Called in the process that runs the tests, an xdist worker say, after the reports of the test.
    """
