"""The least that a JVM for each test can cost: `python floor.py LIBJVM COUNT` forks, starts a JVM, and leaves.

A program of its own that needs the standard library alone. The child calls nothing in its JVM, and has none of pytest.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Final

OPTIONS: Final = (b"-XX:+UseSerialGC", b"-XX:TieredStopAtLevel=1", b"-XX:-UsePerfData")
_JNI_VERSION_1_8: Final = 0x00010008


class _Option(ctypes.Structure):
    """jni.h's JavaVMOption."""

    _fields_ = (("text", ctypes.c_char_p), ("extra", ctypes.c_void_p))


class _Arguments(ctypes.Structure):
    """jni.h's JavaVMInitArgs."""

    _fields_ = (
        ("version", ctypes.c_int32),
        ("number", ctypes.c_int32),
        ("options", ctypes.POINTER(_Option)),
        ("ignore_unknown", ctypes.c_uint8),
    )


def main(path: str, count: int) -> int:
    # Before the fork: the floor is the lowest that there is.
    library = ctypes.CDLL(path)
    failed = sum(_one_child(library) for _ in range(count))
    print(f"{count - failed} JVMs")
    return 1 if failed else 0


def _one_child(library: ctypes.CDLL) -> bool:
    """Whether it failed."""
    pid = os.fork()
    if pid == 0:
        os._exit(_start(library) != 0)
    _, status = os.waitpid(pid, 0)
    return status != 0


def _start(library: ctypes.CDLL) -> int:
    options = (_Option * len(OPTIONS))(*(_Option(text, None) for text in OPTIONS))
    arguments = _Arguments(_JNI_VERSION_1_8, len(OPTIONS), options, 0)
    vm, environment = ctypes.c_void_p(), ctypes.c_void_p()
    status: int = library.JNI_CreateJavaVM(ctypes.byref(vm), ctypes.byref(environment), ctypes.byref(arguments))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
