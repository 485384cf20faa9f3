"""A lock is had once, and only on what is still in its place; no descriptor stays open without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_foreignthread.supervise.process.file_lock import locked_or_closed


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.fixture(params=["a directory", "a file"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], int]:
    path = tmp_path if request.param == "a directory" else tmp_path / "lock"
    if path != tmp_path:
        path.touch()
    return lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def test_a_lock_is_had_once(opened: Callable[[], int]) -> None:
    first, second = opened(), opened()
    assert locked_or_closed(first, lambda: True) == first
    assert locked_or_closed(second, lambda: True) is None
    assert (is_open(first), is_open(second)) == (True, False)
    os.close(first)
    third = opened()
    assert locked_or_closed(third, lambda: True) == third
    os.close(third)


def test_no_lock_on_what_was_moved(opened: Callable[[], int]) -> None:
    descriptor = opened()
    assert locked_or_closed(descriptor, lambda: False) is None
    assert not is_open(descriptor)


def test_no_descriptor_is_left_by_an_error(opened: Callable[[], int]) -> None:
    def fail() -> bool:
        raise FileNotFoundError

    descriptor = opened()
    with pytest.raises(FileNotFoundError):
        locked_or_closed(descriptor, fail)
    assert not is_open(descriptor)
