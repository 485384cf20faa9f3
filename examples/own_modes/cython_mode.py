"""A thread of `pthread_create`, by an extension module in Cython: `cython_threads.pyx`, which `build.py` compiles."""

import pytest


def on_thread(call):
    """Call it once on a new thread."""
    try:
        import cython_threads
    except ImportError:
        pytest.skip("mode 'cython' needs the module cython_threads: run python build.py")
    cython_threads.call_on_thread(call)
