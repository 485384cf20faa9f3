from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_foreignthread.supervise import supervisor, watch
from pytest_foreignthread.supervise.process import processes
from tests.supervise.real_children import Clock, held


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """No descriptor, thread, child process or other descendant is left by any test here."""
    before = held()
    yield
    assert held() == before
    assert processes.descendants(os.getpid()) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock by which deadlines pass."""
    made = Clock()
    for module in (supervisor, watch):
        monkeypatch.setattr(module, "time", made)
    return made
