"""Signals that do not arrive, as the kernel shows them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from pytest_foreignthread.evidence.held_signals import parse_held_signals
from pytest_foreignthread.model.settings import DUMP_SIGNAL
from pytest_foreignthread.model.stacks import HeldSignal
from pytest_foreignthread.supervise.process.pending_signals import pending_signals


def found(pid: int) -> tuple[HeldSignal, ...]:
    text = pending_signals(pid)
    return parse_held_signals([text, text])


PROGRAM = """
import signal, sys, threading
numbers = map(int, sys.argv[1].split(","))
signal.pthread_sigmask(signal.SIG_BLOCK, set(numbers))
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
if "thread" in sys.argv:
    thread = threading.Thread(target=sys.stdin.read)
    thread.start()
    signal.pthread_kill(thread.ident, signal.SIGUSR1)
print(flush=True)
sys.stdin.read()
"""
BLOCKED = (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2, DUMP_SIGNAL)


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [
        sys.executable,
        "-c",
        PROGRAM,
        ",".join(str(int(one)) for one in BLOCKED),
        *getattr(request, "param", ()),
    ]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_nothing_was_sent(program: subprocess.Popen[bytes]) -> None:
    assert found(program.pid) == ()


def test_a_process_that_the_child_started(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    assert HeldSignal("SIGTERM", "process", program.pid, _name(program.pid)) in found(os.getpid())


def test_the_child_itself(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    assert found(program.pid) == (HeldSignal("SIGTERM", "child", program.pid, _name(program.pid)),)


@pytest.mark.parametrize("program", [["thread"]], indirect=True)
def test_a_thread_of_the_child(program: subprocess.Popen[bytes]) -> None:
    (held,) = found(program.pid)
    assert (held.signal, held.at) == ("SIGUSR1", "thread")
    assert held.id != program.pid


@pytest.mark.parametrize("number", [signal.SIGCHLD, signal.SIGUSR2, DUMP_SIGNAL])
def test_what_nobody_waits_for(program: subprocess.Popen[bytes], number: int) -> None:
    """It does nothing by default, it is ignored, or it is this plugin's own."""
    os.kill(program.pid, number)
    assert found(program.pid) == ()


def test_a_process_that_is_gone(program: subprocess.Popen[bytes]) -> None:
    program.kill()
    program.wait()
    assert pending_signals(program.pid) == ""


def test_a_thread_of_this_process() -> None:
    ready, done = threading.Event(), threading.Event()

    def block() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        ready.set()
        done.wait()
        signal.sigwait({signal.SIGUSR1})

    thread = threading.Thread(target=block)
    thread.start()
    ready.wait()
    assert thread.native_id in [held.id for held in found(os.getpid()) if held.signal == "SIGUSR1"]
    done.set()
    thread.join()


def _name(pid: int) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().rstrip("\n")
