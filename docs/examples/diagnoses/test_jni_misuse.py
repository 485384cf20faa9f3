import ctypes
from concurrent.futures import ThreadPoolExecutor

import pytest

ATTACH, GET_OBJECT_CLASS, NEW_STRING_UTF = 7, 31, 167  # places in the function tables of JNI


def function(interface, place, result, *types):
    table = ctypes.cast(ctypes.cast(interface, ctypes.POINTER(ctypes.c_void_p))[0], ctypes.POINTER(ctypes.c_void_p))
    return ctypes.CFUNCTYPE(result, ctypes.c_void_p, *types)(table[place])


def environment(jvm_library):
    """Return the JNIEnv of this thread."""
    machine, number, env = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_void_p()
    ctypes.CDLL(jvm_library).JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(number))
    attach = function(machine.value, ATTACH, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    attach(machine.value, ctypes.byref(env), None)
    return env.value


def new_string(env):
    """Return a local reference: it belongs to this thread."""
    return function(env, NEW_STRING_UTF, ctypes.c_void_p, ctypes.c_char_p)(env, b"a price")


def class_of(env, reference):
    return function(env, GET_OBJECT_CLASS, ctypes.c_void_p, ctypes.c_void_p)(env, reference)


@pytest.fixture
def library(jvm):
    home = str(jvm.java.lang.System.getProperty("java.home"))
    return f"{home}/lib/server/libjvm.so"


def made_on_another_thread(function, *arguments):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


@pytest.mark.foreign_thread
def test_a_reference_of_another_thread(library):
    reference = made_on_another_thread(lambda: new_string(environment(library)))
    class_of(environment(library), reference)


@pytest.mark.foreign_thread
def test_an_environment_of_another_thread(library):
    env = made_on_another_thread(environment, library)
    new_string(env)
