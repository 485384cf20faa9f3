"""Signals that are blocked and were not sent, and ones that have nothing to do there."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest


@pytest.mark.foreign_thread(mode=["native", "new"], block_signals=True, timeout=1)
def test_nothing_was_sent() -> None:
    threading.Event().wait()


@pytest.mark.foreign_thread(mode="native", block_signals=True, timeout=1)
def test_a_signal_that_does_nothing() -> None:
    signal.pthread_kill(threading.get_ident(), signal.SIGCHLD)
    threading.Event().wait()


@pytest.mark.foreign_thread(mode="native", block_signals=True, timeout=1)
def test_a_process_that_ignores_it() -> None:
    shell = "trap '' TERM; echo; while :; do sleep 60; done"
    with subprocess.Popen(["sh", "-c", shell], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()


@pytest.mark.foreign_thread(mode="native", block_signals=True)
def test_what_nothing_blocks() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        process.kill()
