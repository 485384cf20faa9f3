"""A `std::thread` of an extension module that pybind11 binds: `cpp_threads.cpp`, which `build.py` compiles."""

import pytest


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import cpp_threads
    except ImportError:
        pytest.skip("mode 'cpp' needs the module cpp_threads: run python build.py")
    cpp_threads.call_on_thread(call)
