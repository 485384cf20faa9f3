"""A mode of the project's own that needs no JVM: its callbacks come from a thread of GLib's pool."""

import ctypes
import functools

from pytest_foreignthread import OwnMode

JOB = ctypes.CFUNCTYPE(None, ctypes.py_object, ctypes.c_void_p)


@functools.cache
def pool():
    glib = ctypes.CDLL("libglib-2.0.so.0")
    run = JOB(lambda call, _: call())
    glib.g_thread_pool_new.restype = ctypes.c_void_p
    made = glib.g_thread_pool_new(run, None, 1, False, None)
    return glib, run, ctypes.c_void_p(made)


def on_glib(call):
    glib, _, made = pool()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(call))  # the pool keeps a pointer only
    glib.g_thread_pool_push(made, ctypes.py_object(call), None)


def pytest_foreign_thread_modes(config):
    return {"glib": OwnMode(on_glib, needs_jvm=False)}
