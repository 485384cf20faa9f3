"""A `std::thread` of an extension module that PyO3 binds: `rust/lib.rs`, which `build.py` compiles."""

import pytest


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import pyo3_threads
    except ImportError:
        pytest.skip("mode 'rust' needs the module pyo3_threads: run python build.py")
    pyo3_threads.call_on_thread(call)
