"""A pool that breaks once it was used too often: only a test after others shows it."""

import ctypes

import pytest

pytestmark = pytest.mark.foreign_thread(mode="new")
USED = []


def use_pool():
    USED.append(1)
    if len(USED) > 2:
        ctypes.string_at(0)


def test_one_use():
    use_pool()


def test_another_use():
    use_pool()


def test_a_third_use():
    use_pool()


def test_one_more():
    use_pool()
