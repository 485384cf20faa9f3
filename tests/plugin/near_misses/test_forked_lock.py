"""Forked processes beside a hang that wait for nothing, for another process, or with an end in sight."""

from __future__ import annotations

import ctypes
import multiprocessing
import subprocess
import threading

import pytest

FORK = multiprocessing.get_context("fork")
LOCK = threading.Lock()
SHARED = FORK.Lock()


def take() -> None:
    with LOCK:
        pass


def take_shared() -> None:
    with SHARED:
        pass


def wait_with_a_timeout() -> None:
    LOCK.acquire(timeout=600)


def wait_for_an_event_with_a_timeout() -> None:
    threading.Event().wait(600)


def wait_beside_a_thread() -> None:
    threading.Thread(target=lambda: threading.Event().wait(600)).start()
    take()


@pytest.mark.foreign_thread(mode="native", timeout=2)
@pytest.mark.parametrize(
    "target", [take_shared, wait_with_a_timeout, wait_for_an_event_with_a_timeout, wait_beside_a_thread]
)
def test_the_process_waits_for_something_else(target: object) -> None:
    with SHARED, LOCK:
        process = FORK.Process(target=target)  # type: ignore[arg-type]
        process.start()
        process.join()


@pytest.mark.foreign_thread(mode="native", timeout=2)
def test_nobody_waits_for_the_process() -> None:
    with LOCK:
        FORK.Process(target=take).start()
    ctypes.CDLL(None).sleep(600)


@pytest.mark.foreign_thread(mode="native", timeout=2)
def test_another_process_is_waited_for() -> None:
    with LOCK:
        FORK.Process(target=take).start()
    subprocess.run(["sleep", "600"], check=True)


@pytest.mark.foreign_thread(mode="native")
def test_the_lock_is_free() -> None:
    process = FORK.Process(target=take)
    process.start()
    process.join()
    assert process.exitcode == 0
