"""The same functions on the main thread, others of their modules elsewhere, and errors of another cause."""

from __future__ import annotations

import asyncio
import signal

import pytest


@pytest.mark.foreign_thread(mode="main")
def test_signal_on_the_main_thread() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)


@pytest.mark.foreign_thread(mode="main")
def test_bad_signal_on_the_main_thread() -> None:
    signal.signal(4711, signal.SIG_IGN)


@pytest.mark.foreign_thread
def test_bad_signal_number() -> None:
    signal.strsignal(4711)


@pytest.mark.foreign_thread
def test_no_running_loop() -> None:
    asyncio.get_running_loop()


@pytest.mark.foreign_thread
def test_loop_of_its_own() -> None:
    asyncio.run(asyncio.sleep(0))
