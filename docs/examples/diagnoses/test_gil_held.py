import ctypes

import pytest


@pytest.mark.foreign_thread(timeout=3)
def test_call_that_sleeps_with_the_gil():
    ctypes.PyDLL(None).sleep(60)  # PyDLL keeps the GIL, CDLL releases it
