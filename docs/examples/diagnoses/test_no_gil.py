import ctypes

import pytest


@pytest.mark.foreign_thread
def test_the_gil_is_released():
    python = ctypes.CDLL(None)  # a CDLL lets go of the GIL around each call
    python.PyObject_CallNoArgs(ctypes.py_object(len))


@pytest.mark.foreign_thread
def test_python_says_so():
    ctypes.CDLL(None).PyThreadState_Get()


@pytest.mark.foreign_thread(mode="main")
def test_java_thread_that_python_does_not_know(jvm):
    if jvm.getJVMVersion() < (22,):
        pytest.skip("java.lang.foreign is final from JDK 22 on")
    foreign, invoke = jvm.JPackage("java").lang.foreign, jvm.JPackage("java").lang.invoke
    address = ctypes.cast(ctypes.pythonapi.PyObject_CallNoArgs, ctypes.c_void_p).value
    number = foreign.ValueLayout.JAVA_LONG
    linker = foreign.Linker.nativeLinker()
    kind = foreign.FunctionDescriptor.of(number, number)
    call = foreign.Linker.downcallHandle(linker, foreign.MemorySegment.ofAddress(address), kind)
    call = invoke.MethodHandles.insertArguments(call, 0, jvm.JLong(id(len)))
    task = invoke.MethodHandleProxies.asInterfaceInstance(jvm.JClass("java.lang.Runnable"), call)
    thread = jvm.JClass("java.lang.Thread")(task)
    thread.start()
    thread.join()
