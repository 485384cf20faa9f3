"""A thread of Qt's QThreadPool, by PySide6: `pip install PySide6-Essentials`."""

import pytest

from pytest_foreignthread import OwnMode


def on_pool(call):
    """Call it once on a thread of the pool, which keeps its threads for later calls."""
    try:
        # Imported here, in the child: Qt's threads do not survive a fork.
        from PySide6.QtCore import QThreadPool
    except ImportError as error:
        pytest.skip(f"mode 'qt' needs PySide6: {error}")
    QThreadPool.globalInstance().start(call)


def pytest_foreign_thread_modes(config):
    return {"qt": OwnMode(on_pool, needs_jvm=False)}
