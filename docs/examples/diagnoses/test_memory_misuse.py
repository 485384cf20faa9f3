import ctypes

import pytest

malloc, free = ctypes.pythonapi.PyMem_Malloc, ctypes.pythonapi.PyMem_Free
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]


@pytest.mark.foreign_thread
def test_a_buffer_that_is_too_small():
    buffer = malloc(ctypes.c_size_t(12))
    ctypes.memmove(buffer, b"twelve bytes\0", 13)  # and the zero at the end
    free(buffer)


@pytest.mark.foreign_thread(mode="native")
def test_a_buffer_that_is_freed_twice():
    buffer = malloc(ctypes.c_size_t(12))
    free(buffer)
    free(buffer)


class Price:
    pass


@pytest.mark.foreign_thread(mode=["native", "new"])
def test_an_object_without_a_reference():
    address = id(Price())  # freed at the end of the line
    print(ctypes.cast(address, ctypes.py_object).value)
