"""The children of a process, as the kernel lists them, and where it does not."""

from __future__ import annotations

import os
import signal

import pytest

from pytest_foreignthread.supervise.process import processes


@pytest.mark.parametrize("is_listed", [True, False])
def test_children(monkeypatch: pytest.MonkeyPatch, is_listed: bool) -> None:
    read = processes._read

    def unlisted(path: str) -> bytes:
        if path.endswith("/children"):
            raise FileNotFoundError(path)
        return read(path)

    if not is_listed:
        monkeypatch.setattr(processes, "_read", unlisted)
    dead, living = os.fork() or os._exit(0), os.fork() or _wait()
    assert dead is not None
    assert living is not None
    try:
        os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
        assert {dead, living} <= set(processes.children())
        os.waitpid(dead, 0)
        assert dead not in processes.children()
        assert living in processes.children()
    finally:
        os.kill(living, signal.SIGKILL)
        os.waitpid(living, 0)


def _wait() -> int:
    signal.pause()
    return 0
