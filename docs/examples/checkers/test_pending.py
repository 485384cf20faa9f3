"""Calls JNI by ctypes, as C code would, and forgets that an exception is pending."""

import ctypes

import pytest

ATTACH, FIND_CLASS, THROW_NEW, EXCEPTION_CLEAR = 7, 6, 14, 17  # places in the function tables of JNI
P = ctypes.c_void_p


def call(interface, place, result, *arguments):
    table = ctypes.cast(ctypes.cast(interface, ctypes.POINTER(P))[0], ctypes.POINTER(P))
    return ctypes.CFUNCTYPE(result, P, *map(type, arguments))(table[place])(interface, *arguments)


@pytest.fixture
def library(jvm):
    return f"{jvm.java.lang.System.getProperty('java.home')}/lib/server/libjvm.so"


@pytest.mark.foreign_thread
def test_a_pending_exception(library):
    machine, number, env = P(), ctypes.c_int(), P()
    ctypes.CDLL(library).JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(number))
    call(machine.value, ATTACH, ctypes.c_int, P(ctypes.addressof(env)), P())
    error = P(call(env.value, FIND_CLASS, P, ctypes.c_char_p(b"java/lang/RuntimeException")))
    call(env.value, THROW_NEW, ctypes.c_int, error, ctypes.c_char_p(b"no price"))
    call(env.value, FIND_CLASS, P, ctypes.c_char_p(b"java/lang/String"))
    call(env.value, EXCEPTION_CLEAR, None)
