import ctypes

import pytest


@pytest.mark.foreign_thread(mode="main")
def test_exception_that_nobody_catches():
    cpp = ctypes.CDLL("libstdc++.so.6")
    cpp._ZSt20__throw_out_of_rangePKc(b"no such price")  # std::__throw_out_of_range


@pytest.mark.foreign_thread(mode="main")
def test_assertion_in_c():
    ctypes.CDLL(None).__assert_fail(b"price > 0", b"bridge.c", 12, b"update")
