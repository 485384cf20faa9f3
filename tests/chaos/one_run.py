"""One run of pytest, in which processes are killed and stopped at random, and what is wrong after it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.supervise.process import processes

from . import checks, suite
from .processes_of_run import ROLES, VARIABLE, ProcessesOfRun

_ENDLESS: Final = 180.0
"""Seconds after which a run never ends."""
_CLEARED: Final = 20.0
"""Seconds that the keepers of a killed pytest have to clear up."""
_STOPPED: Final = 1.0
"""Seconds that pytest or a worker stays stopped: nothing could go on without it."""
_SIGNALS: Final = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)


@dataclass(frozen=True)
class Configuration:
    isolation: str
    xdist: bool

    def __str__(self) -> str:
        return f"isolation {self.isolation}, {'-n 2' if self.xdist else 'no xdist'}"

    @property
    def arguments(self) -> list[str]:
        return [f"--foreign-thread-isolation={self.isolation}", *(["-n2"] if self.xdist else ["-p", "no:xdist"])]


CONFIGURATIONS: Final = [
    Configuration(isolation, xdist) for isolation in ("test", "session") for xdist in (False, True)
]


@dataclass
class Outcome:
    sent: list[str] = field(default_factory=list)
    """Signals and those who got them."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Kind of failure → how often."""
    complaints: list[str] = field(default_factory=list)
    output: str = ""

    def complain(self, kind: str, text: str) -> None:
        self.kinds[kind] += 1
        self.complaints.append(f"{kind}: {text}")


class OneRun:
    def __init__(self, folder: Path, configuration: Configuration, seed: str, kills: int) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self._kills = kills
        # Most runs are to come to their report.
        self._roles = ROLES if self._random.random() < 0.25 else ROLES[1:]
        self._pytest_hit = False
        self._outcome = Outcome()
        (folder / "tmp").mkdir(parents=True)
        (folder / suite.FILE).write_text(suite.SOURCE)
        self._output = (folder / "output").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--foreign-thread-report=report.json", *configuration.arguments],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder / "tmp"), VARIABLE: seed, "PY_COLORS": "0"},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        self._all = ProcessesOfRun(self._process, seed)

    def outcome(self) -> Outcome:
        """Let it run and end; nothing of it is left."""
        began = time.monotonic()
        self._send_signals()
        while self._process.poll() is None and time.monotonic() - began < _ENDLESS:
            self._pause(0.2)
        if self._process.poll() is None:
            roles = {role: pids for role, pids in self._all.by_role().items() if pids}
            self._outcome.complain("hangs", f"pytest has not ended: {roles}")
        else:
            self._check()
        self._clear()
        self._outcome.output = (self._folder / "output").read_text(errors="replace")
        return self._outcome

    def _pause(self, seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < give_up:
            self._all.reap_orphans()
            self._all.living()
            time.sleep(0.05)

    def _send_signals(self) -> None:
        # Before the first children there is nothing of interest.
        while self._process.poll() is None and not self._all.by_role()["keeper"]:
            self._pause(0.05)
        for _ in range(self._kills):
            self._pause(self._random.uniform(0.0, 2.0))
            self._send_one()

    def _send_one(self) -> None:
        found = self._all.by_role()
        roles = [role for role in self._roles if found[role]]
        if self._process.poll() is not None or not roles:
            return
        role, number = self._random.choice(roles), self._random.choice(_SIGNALS)
        pid = self._random.choice(sorted(found[role]))
        if not processes.kill(pid, number):
            return
        self._outcome.sent.append(f"{number.name} to {role} {pid}")
        if role in ("pytest", "worker") and number == signal.SIGSTOP:
            self._pause(_STOPPED)
            processes.kill(pid, signal.SIGCONT)
        elif role == "pytest":
            self._pytest_hit = True

    def _check(self) -> None:
        give_up = time.monotonic() + _CLEARED
        while (left := self._all.living()) and time.monotonic() < give_up:
            self._all.reap_orphans()
            time.sleep(0.05)
        for pid in left:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            self._outcome.complain("processes", f"{pid} is left: {left[pid]}: {command[:120]}")
        for path in checks.left_files(self._folder / "tmp", self._folder, self._all.seen):
            self._outcome.complain("files", f"{path} is left")
        if not self._pytest_hit:
            # The first JVM did not start: the run ends with a word on its options.
            whole = self._process.returncode != pytest.ExitCode.USAGE_ERROR
            for text in checks.wrong_entries(self._folder / "report.json", suite.EXPECTED, whole=whole):
                self._outcome.complain("entries", text)

    def _clear(self) -> None:
        while living := self._all.living():
            for pid in living:
                processes.kill(pid, signal.SIGKILL)
            self._process.poll()
            self._all.reap_orphans()
        self._process.wait()
        self._all.reap_orphans()
        self._output.close()
