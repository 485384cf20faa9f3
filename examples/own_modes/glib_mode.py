"""A thread of GLib's, made by `g_thread_new`, which ctypes calls: no compiler is needed."""

import ctypes
import functools

import pytest

from pytest_foreignthread import OwnMode

ENTRY = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.py_object)


@functools.cache
def library():
    try:
        glib = ctypes.CDLL("libglib-2.0.so.0")
    except OSError:
        pytest.skip("mode 'glib' needs libglib-2.0.so.0 (libglib2.0-0 on Debian, glib2 elsewhere)")
    glib.g_thread_new.argtypes = [ctypes.c_char_p, ENTRY, ctypes.py_object]
    glib.g_thread_new.restype = ctypes.c_void_p
    glib.g_thread_unref.argtypes = [ctypes.c_void_p]
    return glib


@functools.cache
def entry():
    # One for all threads: a thread may still return through it when the test has ended.
    return ENTRY(run)


def run(call):
    try:
        call()
    finally:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(call))


def on_thread(call):
    """Call it once on a new thread."""
    glib = library()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(call))  # GLib keeps a pointer only
    glib.g_thread_unref(glib.g_thread_new(b"worker", entry(), call))


def pytest_foreign_thread_modes(config):
    return {"glib": OwnMode(on_thread, needs_jvm=False)}
