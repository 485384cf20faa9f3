"""Processes beside a hang that use no JVM of a fork's."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading

import jpype
import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_a_fork_that_calls_no_java() -> None:
    process = multiprocessing.get_context("fork").Process(target=threading.Event().wait)
    process.start()
    process.join()


@pytest.mark.foreign_thread(timeout=2)
def test_a_program_of_its_own() -> None:
    jpype.java.lang.System.gc()
    subprocess.run([sys.executable, "-c", "import threading; threading.Event().wait()"], check=False)


@pytest.mark.foreign_thread
def test_a_fork_that_ends() -> None:
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
