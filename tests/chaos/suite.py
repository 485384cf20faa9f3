"""The suite that each run of pytest has, and the node ids that its report is to have."""

from __future__ import annotations

from typing import Final

FILE: Final = "test_chaos.py"
SOURCE: Final = """
import os, subprocess, sys, time
import pytest

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


def leave_a_fork():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.wait()


@pytest.mark.foreign_thread(mode=["main", "same"], timeout=60)
class TestForeign:
    def test_passes(self):
        pass

    def test_works(self):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            sum(range(1000))

    def test_leaves_a_program(self):
        subprocess.Popen(SLEEP, start_new_session=True)
        time.sleep(0.2)

    def test_leaves_a_fork(self):
        leave_a_fork()
        time.sleep(0.2)


@pytest.mark.foreign_thread(mode="main", timeout=1)
def test_hangs():
    leave_a_fork()
    time.sleep(600)


def test_ordinary():
    time.sleep(0.2)
"""
_NAMES: Final = ("passes", "works", "leaves_a_program", "leaves_a_fork")
_IN_CLASS: Final = [f"{FILE}::TestForeign::test_{name}[{mode}]" for name in _NAMES for mode in ("main", "same")]
EXPECTED: Final = (*_IN_CLASS, f"{FILE}::test_hangs")
