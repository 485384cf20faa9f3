import ctypes

import pytest


@pytest.mark.foreign_thread(mode=["new", "pool"], expect={"new": "segfault", "pool": ["segfault", "passed"]})
def test_late():
    ctypes.string_at(0)  # stands for the known crash
