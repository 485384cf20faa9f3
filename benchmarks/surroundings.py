"""What the figures belong to: when, which version, which interpreter and JVM, which machine."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest_foreignthread
from pytest_foreignthread.model.settings import Jvm

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Surroundings:
    """`load` is the number of running processes of the last minute, before the first run."""

    date: str
    version: str
    commit: str
    python: str
    jdk: str
    cores: int
    machine: str
    load: float

    @property
    def file_name(self) -> str:
        return re.sub(r"[^\w.-]+", "-", f"{self.date}-{self.machine}") + ".json"

    def history_cells(self) -> tuple[str, ...]:
        return self.date, f"{self.version} ({self.commit})", self.python, self.jdk, str(self.cores)

    def __str__(self) -> str:
        return (
            f"pytest-foreignthread {self.version} ({self.commit}), Python {self.python}, JDK {self.jdk}, "
            f"{self.cores} cores, load {self.load:.1f}"
        )


def surroundings(jvm: Jvm) -> Surroundings:
    return Surroundings(
        date=datetime.date.today().isoformat(),
        version=pytest_foreignthread.__version__,
        commit=_commit(),
        python=platform.python_version(),
        jdk=jvm.version or "unknown",
        cores=len(os.sched_getaffinity(0)),
        machine=platform.node() or "unknown",
        load=os.getloadavg()[0],
    )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
