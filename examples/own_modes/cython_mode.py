"""A thread of `pthread_create`, by an extension module in Cython: `cython_threads.pyx`."""

import pytest

from pytest_foreignthread import OwnMode


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import cython_threads
    except ImportError as error:
        pytest.skip(f"mode 'cython' needs cython_threads.pyx, compiled: {error}")
    cython_threads.call_on_thread(call)


def pytest_foreign_thread_modes(config):
    return {"cython": OwnMode(on_thread, needs_jvm=False)}
