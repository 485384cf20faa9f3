"""Trials of the two ways to start a child: by a fork, and as a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from ..model.observation import Exited
from ..supervise.supervisor import supervise
from .findings import Finding, milliseconds, one_line

SECTION: Final = "trial"
LIMIT: Final = 20.0
"""The limit of each trial in seconds."""
_PROGRAM: Final = (sys.executable, "-c", "import pytest_foreignthread, jpype")
# Variables by which pytest-cov and coverage measure every Python process: the trial would write data files.
_MEASURED: Final = ("COV_CORE_", "COVERAGE_")


def fork() -> Finding:
    """Return the finding on the fork of a supervised child that ends at once."""
    seen = supervise(lambda _: None, limits=lambda _: LIMIT)
    if seen.end == Exited(0):
        return Finding(SECTION, "fork", "ok", f"a child came and went in {milliseconds(seen.duration)}")
    help = "see to it that this user may fork: ulimit -u, the pids limit of the container, memory"
    return Finding(
        SECTION, "fork", "problem", one_line(f"a child that does nothing did not end in order: {seen.end}"), help
    )


def spawn(program: Sequence[str] = _PROGRAM) -> Finding:
    """Return the finding on the start of an interpreter that imports this plugin and JPype."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_MEASURED)}
    help = f"let this command succeed: {sys.executable} -c 'import pytest_foreignthread, jpype'"
    began = time.monotonic()
    try:
        done = subprocess.run(
            program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(SECTION, "spawn", "problem", one_line(error), help)
    if done.returncode == 0:
        took = milliseconds(time.monotonic() - began)
        return Finding(SECTION, "spawn", "ok", f"a fresh interpreter imported plugin and JPype in {took}")
    words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return Finding(SECTION, "spawn", "problem", f"status {done.returncode}: {words[-1]}", help)
