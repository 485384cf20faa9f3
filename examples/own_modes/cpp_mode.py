"""A `std::thread` of an extension module that pybind11 binds: `cpp_threads.cpp`."""

import pytest

from pytest_foreignthread import OwnMode


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import cpp_threads
    except ImportError as error:
        pytest.skip(f"mode 'cpp' needs cpp_threads.cpp, compiled: {error}")
    cpp_threads.call_on_thread(call)


def pytest_foreign_thread_modes(config):
    return {"cpp": OwnMode(on_thread, needs_jvm=False)}
