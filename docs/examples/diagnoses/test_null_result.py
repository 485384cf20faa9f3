import ctypes

import jpype
import pytest

METH_O = 0x0008


class PyMethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


@ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.py_object)
def parse(_, text):
    try:
        return id(jpype.JClass("java.lang.Integer").parseInt(text))
    except jpype.JException:
        return None  # C's NULL, which means: an exception is set. None is.


@pytest.fixture
def parse_int():
    definition = PyMethodDef(b"parse_int", ctypes.cast(parse, ctypes.c_void_p), METH_O, None)
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    yield new(ctypes.addressof(definition), None, None)
    del definition  # the function points into it


@pytest.mark.foreign_thread
def test_java_exception_is_dropped(parse_int):
    parse_int("four")
