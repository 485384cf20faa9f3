"""A `std::thread` of an extension module that PyO3 binds: `rust/lib.rs`."""

import pytest

from pytest_foreignthread import OwnMode


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import pyo3_threads
    except ImportError as error:
        pytest.skip(f"mode 'rust' needs rust/lib.rs, compiled: {error}")
    pyo3_threads.call_on_thread(call)


def pytest_foreign_thread_modes(config):
    return {"rust": OwnMode(on_thread, needs_jvm=False)}
