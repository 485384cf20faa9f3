"""Which signals of this process have a handler that may run."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from pytest_foreignthread.supervise.process import processes, signals


@pytest.fixture(params=[signal.SIGUSR1, signal.SIGRTMIN, signal.SIGRTMAX], ids=["first", "middle", "last"])
def handled(request: pytest.FixtureRequest) -> Iterator[int]:
    before = signal.signal(request.param, lambda *_: None)
    yield int(request.param)
    signal.signal(request.param, before)


def test_a_signal_with_a_handler_is_caught(handled: int) -> None:
    caught = processes.caught_signals()
    assert caught is not None
    assert handled in caught
    assert signal.SIGKILL not in caught
    assert signal.SIGSTOP not in caught


@pytest.mark.parametrize("status", [None, b"Name:\tpython\n"], ids=["no file", "no line"])
def test_without_the_kernels_help_all_handlers_are_found(
    handled: int, monkeypatch: pytest.MonkeyPatch, status: bytes | None
) -> None:
    def read(path: str) -> bytes:
        if status is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return status

    expected = dict(signals._python_handlers())
    monkeypatch.setattr(processes, "_read", read)
    assert processes.caught_signals() is None
    assert dict(signals._python_handlers()) == expected
    assert handled in expected


def test_a_handler_that_raises_is_not_taken_for_the_kernels_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def expire(number: int, _: object) -> None:
        raise TimeoutError("of the user's handler")

    def read(path: str) -> bytes:
        os.kill(os.getpid(), signal.SIGUSR1)
        return b""

    monkeypatch.setattr(processes, "_read", read)
    before = signal.signal(signal.SIGUSR1, expire)
    try:
        with pytest.raises(TimeoutError):
            processes.caught_signals()
    finally:
        signal.signal(signal.SIGUSR1, before)
