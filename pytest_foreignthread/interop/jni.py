"""The running JVM through its C interface, JNI, called by ctypes because no bridge to the JVM exists yet."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from typing import Any, Final

_P: Final = ctypes.c_void_p
_UTF_16: Final = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
# Indexes into the function tables, from the specification of JNI.
_ATTACH_AS_DAEMON: Final = 7
_FIND_CLASS, _EXCEPTION_CLEAR, _PUSH_FRAME, _POP_FRAME, _CLASS_OF, _METHOD, _CALL_VOID = 6, 17, 19, 20, 31, 33, 63
_STATIC_METHOD, _CALL_STATIC_OBJECT, _NEW_STRING, _EXCEPTION_CHECK = 113, 116, 163, 228
# "The system class loader supports adding a JAR file to be searched if it implements a method named ..., which takes a
# single parameter of type java.lang.String" (package java.lang.instrument). It takes directories as well.
_APPEND: Final = b"appendToClassPathForInstrumentation"


class JniError(Exception):
    """The running JVM refused a request."""


class Machine:
    """The JVM of this process."""

    def __init__(self, library: str) -> None:
        """Raise JniError if `library`, a path, has created no JVM."""
        pointer, number = _P(), ctypes.c_int()
        try:
            self.library = ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
            failed = self.library.JNI_GetCreatedJavaVMs(ctypes.byref(pointer), 1, ctypes.byref(number))
        except (OSError, AttributeError) as error:
            raise JniError(f"{library} is not loaded as a JVM: {error}") from error
        if failed or not number.value or pointer.value is None:
            raise JniError(f"{library} has no JVM (status {failed}, {number.value} created)")
        self.pointer = pointer.value
        self.attach = _function(self.pointer, _ATTACH_AS_DAEMON, ctypes.c_int, _P, ctypes.POINTER(_P), _P)
        """`AttachCurrentThreadAsDaemon`; for a thread that is attached already it only returns the environment."""

    def append_to_class_path(self, paths: Iterable[str]) -> None:
        """Add jars and directories to the system class loader. Raise JniError if the class loader refuses them."""
        environment = _P()
        if status := self.attach(self.pointer, ctypes.byref(environment), None):
            raise JniError(f"AttachCurrentThreadAsDaemon returned {status}")
        assert environment.value is not None
        _Environment(environment.value).append_to_class_path(paths)


class _Environment:
    """The JNI environment of one thread; use it on that thread only."""

    def __init__(self, pointer: int) -> None:
        self._pointer = pointer

    def append_to_class_path(self, paths: Iterable[str]) -> None:
        # The local references of a native thread live until the thread is detached. Popping this frame frees them.
        self._call(_PUSH_FRAME, ctypes.c_int, ctypes.c_int(16))
        try:
            kind = self._object(_FIND_CLASS, ctypes.c_char_p(b"java/lang/ClassLoader"))
            get = self._named(_STATIC_METHOD, kind, b"getSystemClassLoader", b"()Ljava/lang/ClassLoader;")
            loader = self._object(_CALL_STATIC_OBJECT, kind, get, _P())
            append = self._named(_METHOD, self._object(_CLASS_OF, loader), _APPEND, b"(Ljava/lang/String;)V")
            for path in paths:
                units = path.encode(_UTF_16, "surrogatepass")
                text = self._object(_NEW_STRING, ctypes.c_char_p(units), ctypes.c_int(len(units) // 2))
                self._call(_CALL_VOID, None, loader, append, ctypes.cast((ctypes.c_uint64 * 1)(text.value or 0), _P))
                self._check()
        finally:
            self._call(_POP_FRAME, _P, _P())

    def _named(self, index: int, kind: ctypes.c_void_p, name: bytes, signature: bytes) -> ctypes.c_void_p:
        return self._object(index, kind, ctypes.c_char_p(name), ctypes.c_char_p(signature))

    def _object(self, index: int, *arguments: Any) -> ctypes.c_void_p:
        found = self._call(index, _P, *arguments)
        self._check()
        return _P(found)

    def _call(self, index: int, result: Any, *arguments: Any) -> Any:
        return _function(self._pointer, index, result, _P, *map(type, arguments))(self._pointer, *arguments)

    def _check(self) -> None:
        if self._call(_EXCEPTION_CHECK, ctypes.c_uint8):
            self._call(_EXCEPTION_CLEAR, None)
            raise JniError(f"the system class loader takes no further path ({_APPEND.decode()})")


def _function(pointer: int, index: int, result: Any, *types: Any) -> Any:
    """Return the function at an index of the function table to which a JNI pointer points."""
    table = ctypes.cast(ctypes.cast(pointer, ctypes.POINTER(_P))[0], ctypes.POINTER(_P))
    return ctypes.CFUNCTYPE(result, *types)(table[index])
