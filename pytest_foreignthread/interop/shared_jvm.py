"""The JVM that runs, for a second bridge that would create one: JPype beside PyJNIus, and the other way round.

A bridge loads libjvm and calls its `JNI_CreateJavaVM`, which by then can only return JNI_EEXIST: a process has one JVM
at most. Here the entry of that name in libjvm's table of symbols is led to a function that attaches the calling thread
and returns the JVM that runs. It is one word of data, in this process's own copy of the page. So no shared object has
to be shipped, or made, for each platform; no file system has to let one be loaded; no code of HotSpot's is changed; and
the second bridge need not know.
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
"""Of an `Elf64_Sym`: where its `st_value` lies, a function's distance from the library's beginning."""


class _Found(ctypes.Structure):
    """`Dl_info`."""

    _fields_ = (("file", ctypes.c_char_p), ("base", _P), ("name", ctypes.c_char_p), ("address", _P))


def hand_out(machine: Machine) -> object:
    """Let `JNI_CreateJavaVM` return the JVM that runs, as long as what this returns is kept. Raise JniError."""

    def attached(to: Any, environment: Any, _arguments: object) -> int:
        to[0] = machine.pointer
        return int(machine.attach(machine.pointer, environment, None))

    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_P), ctypes.POINTER(_P), _P)(attached)
    # An attribute would be that of an earlier look.
    _lead(machine.library[_CREATE.decode()], function)
    return function


def _lead(function: Any, other: Any) -> None:
    """Let `dlsym` find the other function by the name of the first."""
    address, target = (ctypes.cast(one, _P).value or 0 for one in (function, other))
    found, symbol = _Found(), _P()
    try:
        in_library = ctypes.CDLL(None).dladdr1
    except AttributeError:
        raise JniError("this C library has no dladdr1, which is glibc's") from None
    if not in_library(_P(address), ctypes.byref(found), ctypes.byref(symbol), _RTLD_DL_SYMENT):
        # It leads to a function of ours already, for the bridge before.
        return
    place = (symbol.value or 0) + _VALUE
    if not symbol.value or found.name != _CREATE or _word(place) + (found.base or 0) != address:
        raise JniError(f"no symbol {_CREATE.decode()} at its address")
    try:
        # The page is read-only, but for its own process as debuggers write.
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            os.pwrite(memory.fileno(), ((target - (found.base or 0)) % 2**64).to_bytes(8, sys.byteorder), place)
    except OSError as error:
        raise JniError(f"/proc/self/mem cannot be written: {error}") from error


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
