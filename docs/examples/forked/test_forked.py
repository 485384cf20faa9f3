import ctypes

import pytest


@pytest.mark.forked
def test_a_null_pointer():
    ctypes.string_at(0)


@pytest.mark.forked
@pytest.mark.xfail(reason="a known crash")
def test_a_known_crash():
    ctypes.string_at(0)


@pytest.mark.forked
def test_that_passes():
    assert True
