"""MethodHandles put together from Python: calls into libpython, and C functions whose body is Java.

No compiled code and no JPype proxy: what is built here runs in Java and in libpython alone. On the Java side a Python
object is a `long`, as it is in any bridge that calls the C API itself. Everything here needs a running JVM.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import jpype

Handle = Any
"""A java.lang.invoke.MethodHandle; JPype has no types for Java's classes."""

FINAL_SINCE = 22
"""The first JDK in which `java.lang.foreign` is final."""


def handles() -> Any:
    return jpype.JClass("java.lang.invoke.MethodHandles")


def kind(name: str) -> Any:
    """The java.lang.Class of `name`: a class's full name, or `long`, `int`, `void`."""
    primitives = {"long": "Long", "int": "Integer", "void": "Void"}
    return jpype.JClass(f"java.lang.{primitives[name]}").TYPE if name in primitives else jpype.JClass(name).class_


def signature(returns: str, *takes: str) -> Any:
    return jpype.JClass("java.lang.invoke.MethodType").methodType(kind(returns), [kind(each) for each in takes])


def method(owner: str, name: str, returns: str, *takes: str) -> Handle:
    """An instance method as a handle, the instance its first argument."""
    return handles().publicLookup().findVirtual(kind(owner), name, signature(returns, *takes))


def static_method(owner: str, name: str, returns: str, *takes: str) -> Handle:
    return handles().publicLookup().findStatic(kind(owner), name, signature(returns, *takes))


def constructor(owner: str, *takes: str) -> Handle:
    return handles().publicLookup().findConstructor(kind(owner), signature("void", *takes))


def typed(handle: Handle, returns: str, *takes: str) -> Handle:
    """The same handle with other types: boxed, unboxed or cast, as Java would in an assignment."""
    return handle.asType(signature(returns, *takes))


def bound(handle: Handle, position: int, *values: object) -> Handle:
    return handles().insertArguments(handle, position, *values)


def then(first: Handle, second: Handle) -> Handle:
    """`second` called with the result of `first`."""
    return handles().filterReturnValue(first, second)


def before(handle: Handle, action: Handle) -> Handle:
    """`action`, which gives nothing, and then `handle`, on the same arguments."""
    return handles().foldArguments(handle, action)


def ignoring(handle: Handle, position: int, *kinds: str) -> Handle:
    """`handle` with arguments of these kinds added at `position`, for others to use."""
    return handles().dropArguments(handle, position, [kind(each) for each in kinds])


def finally_(handle: Handle, action: Handle) -> Handle:
    """`handle`, which gives a long, and then `action` on the first arguments, however `handle` ended."""
    result = ignoring(handles().identity(kind("long")), 0, "java.lang.Throwable")
    result = handles().dropArguments(result, 2, action.type().parameterList())
    action = ignoring(action, 0, "java.lang.Throwable", "long")
    return handles().tryFinally(handle, before(result, action))


def around(handle: Handle, enter: Handle, leave: Handle) -> Handle:
    """`handle` between `enter()` and `leave(what enter gave)`, on one thread and however `handle` ends."""
    handle = handles().dropArguments(handle, 0, leave.type().parameterList())
    return handles().foldArguments(finally_(handle, leave), enter)


def catching(handle: Handle, throwable: str, instead: Handle) -> Handle:
    """`handle`, or `instead(throwable)` if that kind is thrown."""
    return handles().catchException(handle, kind(throwable), instead)


def implementing(interface: str, handle: Handle) -> Any:
    """A Java object whose one method is `handle`."""
    return jpype.JClass("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(kind(interface), handle)


def libpython(name: str, returns: str, *takes: str) -> Handle:
    """A function of the C API; `long` stands for a pointer, `java.lang.foreign.MemorySegment` for a C string."""
    layouts = jpype.JClass("java.lang.foreign.ValueLayout")
    layout = {"long": layouts.JAVA_LONG, "int": layouts.JAVA_INT, "java.lang.foreign.MemorySegment": layouts.ADDRESS}
    descriptors = jpype.JClass("java.lang.foreign.FunctionDescriptor")
    arguments = [layout[each] for each in takes]
    descriptor = descriptors.ofVoid(arguments) if returns == "void" else descriptors.of(layout[returns], arguments)
    address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
    linker = jpype.JClass("java.lang.foreign.Linker")
    # Through the interface: JPype may not reflect upon the class that implements it.
    segment = jpype.JClass("java.lang.foreign.MemorySegment").ofAddress(address)
    return linker.downcallHandle(linker.nativeLinker(), segment, descriptor)


class PyMethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


METH_O = 0x0008


def builtin_function(name: str, handle: Handle, *owned: object) -> Callable[[Any], object]:
    """A PyCFunction of one argument that enters `handle`, from PyObject * to PyObject *, with the GIL held.

    It keeps `owned` alive: the objects to which the handle only points.
    """
    linker, layouts = jpype.JClass("java.lang.foreign.Linker"), jpype.JClass("java.lang.foreign.ValueLayout")
    descriptor = jpype.JClass("java.lang.foreign.FunctionDescriptor").of(*[layouts.JAVA_LONG] * 3)
    forever = jpype.JClass("java.lang.foreign.Arena").global_()
    stub = linker.upcallStub(linker.nativeLinker(), ignoring(handle, 0, "long"), descriptor, forever)
    definition = PyMethodDef(name.encode(), int(stub.address()), METH_O, None)
    definition.owned = owned
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p, ctypes.py_object]
    # The function points into its definition; as its "module" the definition lives as long as the function does.
    function: Callable[[Any], object] = new(ctypes.addressof(definition), None, definition)
    return function
