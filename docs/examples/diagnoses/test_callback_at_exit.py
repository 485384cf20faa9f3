import ctypes
import time

import pytest

LIBC, CPP = ctypes.CDLL(None), ctypes.CDLL("libstdc++.so.6")


class Pool:
    """As a pool in C++: its thread calls Python back, and the destructor joins the thread."""

    join = LIBC.pthread_join

    def __init__(self, callback):
        self.callback = ctypes.CFUNCTYPE(None)(callback)
        # An allocation that fails calls this handler, again and again, from a function that is `noexcept`.
        CPP._ZSt15set_new_handlerPFvvE(self.callback)
        allocate, size = CPP._ZnwmRKSt9nothrow_t, ctypes.c_void_p(2**62)
        self.thread = ctypes.c_ulong()
        LIBC.pthread_create(ctypes.byref(self.thread), None, allocate, size)
        LIBC.pthread_setname_np(self.thread, b"pool-worker")

    def __del__(self):
        self.join(self.thread, None)


@pytest.mark.foreign_thread(mode="main", finalize=True, timeout=5)
def test_pool_lives_until_the_end():
    global pool
    pool = Pool(lambda: time.sleep(0.001))
