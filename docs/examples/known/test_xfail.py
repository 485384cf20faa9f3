import ctypes

import pytest

import pytest_foreignthread


@pytest.mark.foreign_thread
@pytest.mark.xfail(raises=pytest_foreignthread.Segfault, strict=True, reason="the bridge lets go too early")
def test_late():
    ctypes.string_at(0)
