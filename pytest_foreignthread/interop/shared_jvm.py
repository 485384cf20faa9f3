"""Lets a second bridge use the running JVM that it would try to create: JPype beside PyJNIus, or PyJNIus beside JPype.

A bridge loads libjvm and calls its `JNI_CreateJavaVM`: PyJNIus never looks for a running JVM, nor does JPype's
`startJVM`. In a process with a JVM this function can only return JNI_EEXIST, because a process has at most one JVM.
This module changes the entry of that name in libjvm's symbol table, so that it leads to a function that attaches the
calling thread and returns the running JVM. The entry is one word of data, in this process's copy of the page. So no
shared library must be built and shipped for each platform, no file system must allow loading one, no code of HotSpot is
changed, and the second bridge needs no change.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Final

from .jni import JniError, Machine

_P: Final = ctypes.c_void_p
_CREATE: Final = b"JNI_CreateJavaVM"
_RTLD_DL_SYMENT: Final = 1
_VALUE: Final = 8
"""The offset of `st_value` in an `Elf64_Sym`: the distance of a function from the start of the library."""


class _Found(ctypes.Structure):
    """The struct Dl_info of glibc."""

    _fields_ = (("file", ctypes.c_char_p), ("base", _P), ("name", ctypes.c_char_p), ("address", _P))


def hand_out(machine: Machine) -> object:
    """Make `JNI_CreateJavaVM` return the running JVM for as long as the returned object is kept. Raise JniError."""

    def attached(to: Any, environment: Any, _arguments: object) -> int:
        to[0] = machine.pointer
        return int(machine.attach(machine.pointer, environment, None))

    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_P), ctypes.POINTER(_P), _P)(attached)
    # By index and not as an attribute, which ctypes caches from an earlier lookup.
    _lead(machine.library[_CREATE.decode()], function)
    return function


def _lead(function: Any, other: Any) -> None:
    """Make `dlsym` return the other function for the name of the first."""
    address, target = (ctypes.cast(one, _P).value or 0 for one in (function, other))
    found, symbol = _Found(), _P()
    try:
        in_library = ctypes.CDLL(None).dladdr1
    except AttributeError:
        raise JniError("this C library has no dladdr1, which is glibc's") from None
    if not in_library(_P(address), ctypes.byref(found), ctypes.byref(symbol), _RTLD_DL_SYMENT):
        # The symbol leads already to a function of ours, made for an earlier bridge.
        return
    place = (symbol.value or 0) + _VALUE
    if not symbol.value or found.name != _CREATE or _word(place) + (found.base or 0) != address:
        raise JniError(f"no symbol {_CREATE.decode()} at its address")
    try:
        # The page is read-only. A process may write its own memory through this file in any case, as debuggers do.
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            os.pwrite(memory.fileno(), ((target - (found.base or 0)) % 2**64).to_bytes(8, sys.byteorder), place)
    except OSError as error:
        raise JniError(f"/proc/self/mem cannot be written: {error}") from error


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
