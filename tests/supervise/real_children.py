"""Helpers for tests with real child processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import Observation, ThreadNamed
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.probes.crash_gate import CrashWatch
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.supervisor import supervise
from pytest_foreignthread.supervise.watch import Probe

PATIENCE = 60.0
"""Seconds within which anything that comes at all has come, on any machine."""
SHORT = 0.4
"""Seconds of a limit that is meant to pass."""


def run(
    child_main: Callable[[Sender], None],
    probe: Probe | None = None,
    crash: CrashWatch | None = None,
    **limits: float,
) -> Observation:
    """Supervise a child; limits are given by phase, PATIENCE where none is."""

    def limit(phase: Phase) -> float:
        return limits.get(phase.value, PATIENCE)

    return supervise(child_main, limits=limit, probe=probe, crash=crash)


class Clock:
    """Time in a module of the supervisor: a test makes it pass without waiting."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.passed


def hang() -> None:
    time.sleep(10 * PATIENCE)


def held() -> tuple[list[str], int]:
    """Descriptors and number of threads of this process."""
    return sorted(os.listdir("/proc/self/fd")), threading.active_count()


def send_pid(sender: Sender, name: str, pid: int) -> None:
    sender.send(ThreadNamed(0, pid, name))


def sent_pids(observation: Observation) -> dict[str, int]:
    """The process ids that the child sent by `send_pid`."""
    return {message.name: message.native_id for message in observation.all(ThreadNamed)}


def detached(body: Callable[[], None]) -> int:
    """Run `body` in a daemon: forked twice, with a session of its own. Give its pid."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, f"{os.getpid()}\n".encode())
            try:
                body()
            finally:
                os._exit(0)
        os._exit(0)
    os.wait()
    pid = int(os.read(read, 20))
    os.close(read)
    os.close(write)
    return pid


def exists(pid: int) -> bool:
    return processes.stat(pid) is not None


def await_end(pid: int) -> None:
    """Wait for the end of a process that is not this one's child; a zombie has ended."""
    pidfd = processes.open_pidfd(pid)
    if pidfd is not None:
        try:
            assert processes.wait_readable(pidfd, PATIENCE), f"process {pid} lives on"
        finally:
            os.close(pidfd)


def await_line(path: Path) -> str:
    """The line in a file that another process is about to write."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return text.strip()
        time.sleep(0.005)
    raise AssertionError(f"{path} was not written")
