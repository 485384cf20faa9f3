import ctypes

import pytest


def object_with_a_faulty_destructor():
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    # Its destructor is a C function that sets MemoryError and returns.
    return new(1, None, ctypes.cast(ctypes.pythonapi.PyErr_NoMemory, ctypes.c_void_p))


class Holder:
    held = None


@pytest.mark.foreign_thread
def test_destructor_leaves_an_exception():
    Holder.held = object_with_a_faulty_destructor()
    setattr(Holder, "held", None)  # noqa: B010
