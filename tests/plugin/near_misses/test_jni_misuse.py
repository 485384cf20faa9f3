"""Calls of JNI that break no rule that ends the process, and an end with the same words by FatalError()."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from pytest_foreignthread.interop.jni import Machine

_P = ctypes.c_void_p
_FIND_CLASS, _THROW_NEW, _EXCEPTION_CLEAR, _FATAL_ERROR = 6, 14, 17, 18


def _call(env: int, place: int, result: Any, *arguments: Any) -> Any:
    table = ctypes.cast(ctypes.cast(env, ctypes.POINTER(_P))[0], ctypes.POINTER(_P))
    return ctypes.CFUNCTYPE(result, _P, *map(type, arguments))(table[place])(env, *arguments)


@pytest.fixture
def library(jvm: Any) -> str:
    return f"{jvm.java.lang.System.getProperty('java.home')}/lib/server/libjvm.so"


def _environment(library: str) -> int:
    machine, env = Machine(library), _P()
    assert machine.attach(machine.pointer, ctypes.byref(env), None) == 0
    assert env.value is not None
    return env.value


@pytest.mark.foreign_thread(check="jni")
def test_no_breach(library: str) -> None:
    assert _call(_environment(library), _FIND_CLASS, _P, ctypes.c_char_p(b"java/lang/String"))


@pytest.mark.foreign_thread(check="jni")
def test_a_warning(library: str) -> None:
    env = _environment(library)
    error = _P(_call(env, _FIND_CLASS, _P, ctypes.c_char_p(b"java/lang/RuntimeException")))
    _call(env, _THROW_NEW, ctypes.c_int, error, ctypes.c_char_p(b"pending"))
    _call(env, _FIND_CLASS, _P, ctypes.c_char_p(b"java/lang/String"))
    _call(env, _EXCEPTION_CLEAR, None)


@pytest.mark.foreign_thread(check="jni")
def test_c_code_gives_up(library: str) -> None:
    _call(_environment(library), _FATAL_ERROR, None, ctypes.c_char_p(b"the library's own text"))


@pytest.mark.foreign_thread(check="jni")
def test_the_words_and_an_abort() -> None:
    print("FATAL ERROR in native method: Bad global or local ref passed to JNI", flush=True)
    ctypes.CDLL(None).abort()
