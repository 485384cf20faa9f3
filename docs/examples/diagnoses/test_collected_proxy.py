import ctypes
import gc

import pytest

LIBC = ctypes.CDLL(None)
COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))


class Sorter:
    """Stands for a C library that keeps the address of a callback, and calls it later."""

    def register(self, callback):
        self.address = ctypes.cast(callback, ctypes.c_void_p).value

    def sort(self, *numbers):
        array = (ctypes.c_int * len(numbers))(*numbers)
        LIBC.qsort(array, ctypes.c_size_t(len(array)), ctypes.c_size_t(4), ctypes.c_void_p(self.address))
        return list(array)


@pytest.mark.foreign_thread
def test_callback_that_nobody_keeps():
    sorter = Sorter()
    sorter.register(COMPARE(lambda one, other: one[0] - other[0]))  # freed at the end of the line
    gc.collect()  # and what lay there is overwritten, as it is sooner or later
    assert sorter.sort(3, 1, 2) == [1, 2, 3]
