"""What a bridge says to libpython, as handles."""

from __future__ import annotations

import jpype
from foreign import Handle, around, before, bound, handles, ignoring, kind, libpython, method


def calling() -> Handle:
    """From a thunk to its result, a new reference, or to NULL with an exception set."""
    return bound(libpython("PyObject_CallObject", "long", "long", "long"), 1, jpype.JLong(0))


def holding_the_gil(handle: Handle) -> Handle:
    """`handle` on a thread that need not be Python's."""
    return around(handle, libpython("PyGILState_Ensure", "int"), libpython("PyGILState_Release", "void", "int"))


def without_the_gil(handle: Handle) -> Handle:
    """`handle` on a thread that holds the GIL, which goes to others meanwhile."""
    return around(handle, libpython("PyEval_SaveThread", "long"), libpython("PyEval_RestoreThread", "void", "long"))


def new_reference(to: object) -> Handle:
    """From nothing to a new reference. The handle itself owns none: whoever keeps it keeps the object."""
    return bound(libpython("Py_NewRef", "long", "long"), 0, jpype.JLong(id(to)))


def taking_reference() -> Handle:
    return libpython("Py_IncRef", "void", "long")


def dropping_reference() -> Handle:
    return libpython("Py_DecRef", "void", "long")


def null() -> Handle:
    return handles().constant(kind("long"), jpype.JLong(0))


def saying_hello() -> Handle:
    """From a thunk, which is not called, to None; Java prints "Hello, world!" meanwhile."""
    print_line = method("java.io.PrintStream", "println", "void", "java.lang.String")
    hello = bound(print_line, 0, jpype.JClass("java.lang.System").out, jpype.JString("Hello, world!"))
    return ignoring(before(new_reference(None), hello), 0, "long")
