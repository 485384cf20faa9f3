"""The processes of one run of pytest, and what each is there for."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Final

from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.processes import ProcessStat

VARIABLE: Final = "FOREIGN_THREAD_CHAOS"
"""In the environment of pytest, and so of all that it forks or starts."""
ROLES: Final = ("pytest", "worker", "keeper", "child", "grandchild")


class ProcessesOfRun:
    """Made by a process that is a subreaper: what has lost its parent is below it."""

    def __init__(self, pytest: subprocess.Popen[bytes], value: str) -> None:
        self._pytest = pytest
        self._word = f"{VARIABLE}={value}".encode()
        self.seen: set[int] = set()

    def living(self) -> dict[int, ProcessStat]:
        found = {process.pid: process for process in processes.all_processes() if process.alive}
        below = {*processes.descendants(os.getpid())}
        own = {pid: process for pid, process in found.items() if pid in below or self._has_variable(pid)}
        self.seen.update(own)
        return own

    def _has_variable(self, pid: int) -> bool:
        return self._word in _read(pid, "environ").split(b"\0")

    def by_role(self) -> dict[str, list[int]]:
        living = self.living()
        workers = {pid for pid in living if b"sys.stdin.readline" in _read(pid, "cmdline")}
        return by_role(living, self._pytest.pid, workers)

    def reap_orphans(self) -> None:
        """All but pytest itself, whose status its owner wants."""
        for process in processes.all_processes():
            if process.parent == os.getpid() and not process.alive and process.pid != self._pytest.pid:
                os.waitpid(process.pid, os.WNOHANG)


def by_role(living: Mapping[int, ProcessStat], pytest: int, workers: set[int]) -> dict[str, list[int]]:
    """`workers` may have pids of their forks, too, which have the same command line."""
    roles: dict[str, list[int]] = {role: [] for role in ROLES}
    for pid, process in living.items():
        roles[_role(process, living, pytest, workers)].append(pid)
    return roles


def _role(process: ProcessStat, living: Mapping[int, ProcessStat], pytest: int, workers: set[int]) -> str:
    if process.pid == pytest:
        return "pytest"
    if process.parent == pytest and process.pid in workers and process.session != process.pid:
        return "worker"
    if _is_keeper(process, living, pytest, workers):
        return "keeper"
    parent = living.get(process.parent)
    # What the keeper has taken in is below it as well, but mostly has a session of its own.
    kept = parent is not None and process.session == parent.pid and _is_keeper(parent, living, pytest, workers)
    return "child" if kept else "grandchild"


def _is_keeper(process: ProcessStat, living: Mapping[int, ProcessStat], pytest: int, workers: set[int]) -> bool:
    parent = living.get(process.parent)
    supervises = process.parent == pytest or (parent is not None and parent.parent == pytest and parent.pid in workers)
    return supervises and process.session == process.pid


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""
