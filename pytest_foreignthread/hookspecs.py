"""The hooks that a project or a plugin may implement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .model.modes import Launcher, OwnMode


def pytest_foreign_thread_modes(config: pytest.Config) -> Mapping[str, Launcher | OwnMode]:  # type: ignore[empty-body]
    """Return the project's own modes: name → launcher, or name → `OwnMode(launcher, needs_jvm=False)`.

    The launcher is called in the child, in which the JVM runs, with a `java.lang.Runnable`. The launcher must arrange
    that `run()` is called once on the thread that the mode stands for, as `java.util.concurrent.Executor.execute` does.
    The launcher of a mode that needs no JVM gets a Python callable without arguments, which must be called once. The
    launcher keeps what it gets alive until the call. A name consists of letters, digits and `_`. The hook is called at
    start-up, also in an xdist worker.
    """


def pytest_foreign_thread_carry(item: pytest.Item) -> Mapping[str, Any] | None:
    """Return data about a test that has run in a child, for the pytest process: a name of your own → plain data.

    The hook is called in the child after the test's last report was made. The data is sent as JSON: tuples arrive as
    lists, and values that JSON does not accept arrive as text.
    """


def pytest_foreign_thread_carried(item: pytest.Item, data: Mapping[str, Any] | None) -> None:
    """Receive the data that all plugins returned from `pytest_foreign_thread_carry`.

    `data` is None if the test did not reach its end. The hook is called after the reports of the test, in the process
    that runs the tests, which may be an xdist worker.
    """
