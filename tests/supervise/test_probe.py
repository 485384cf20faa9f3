"""The probe on children without a JVM."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
from pathlib import Path

import pytest

from pytest_foreignthread.observation import EndedBy, Observation, PhaseStarted
from pytest_foreignthread.outcomes import Phase
from pytest_foreignthread.supervise.probe import take_documents
from pytest_foreignthread.wire import Sender
from tests.supervise.real_children import PATIENCE, SHORT, hang, run

DUMP_SIGNAL = int(signal.SIGRTMIN) + 5
NO_JVM = {"java_dump": "no JVM was running"}


def probed(child_main_act: object, file: Path, *, registers: bool = True) -> Observation:
    def child_main(sender: Sender) -> None:
        if registers:
            faulthandler.register(DUMP_SIGNAL, file=file.open("a"), all_threads=True, chain=False)
        sender.send(PhaseStarted(Phase.CALL))
        assert callable(child_main_act)
        child_main_act()

    return run(child_main, lambda pid: take_documents(pid, file, DUMP_SIGNAL, budget=PATIENCE), call=SHORT)


def hang_in_two_threads() -> None:
    threading.Thread(target=hang, name="other").start()
    hang()


def test_stacks_of_all_threads(tmp_path: Path) -> None:
    file = tmp_path / "hang.txt"
    file.write_text("what stood there before\n")
    seen = probed(hang_in_two_threads, file)
    assert (seen.ended_by, seen.missing, seen.notes) == (EndedBy.DEADLINE, NO_JVM, ())
    text = seen.documents["python_hang"]
    assert text.count("in hang\n") == 2
    assert "in hang_in_two_threads\n" in text
    assert "before" not in text
    assert text.endswith("\n")


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    hang()


def test_stopped_child_shows_where_it_stopped(tmp_path: Path) -> None:
    seen = probed(stop, tmp_path / "hang.txt")
    assert (seen.ended_by, seen.missing, seen.notes) == (EndedBy.DEADLINE, NO_JVM, ("the child was stopped",))
    assert "in stop\n" in seen.documents["python_hang"]


def block_the_signal() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {DUMP_SIGNAL})
    hang()


def test_signal_that_nobody_waits_for_is_not_sent(tmp_path: Path) -> None:
    seen = probed(hang, tmp_path / "hang.txt", registers=False)
    assert seen.documents == {}
    assert seen.missing == NO_JVM | {"python_hang": "faulthandler was not waiting for the signal"}
    assert (seen.ended_by, seen.notes) == (EndedBy.DEADLINE, ())


def test_signal_that_is_blocked_is_not_sent(tmp_path: Path) -> None:
    seen = probed(block_the_signal, tmp_path / "hang.txt")
    assert seen.missing == NO_JVM | {"python_hang": "no thread takes the signal"}


def test_probe_keeps_to_its_budget(tmp_path: Path) -> None:
    """The dump goes into a file that the probe does not know: it never comes."""

    def child_main(sender: Sender) -> None:
        faulthandler.register(DUMP_SIGNAL, file=(tmp_path / "elsewhere").open("a"), chain=False)
        hang()

    seen = run(child_main, lambda pid: take_documents(pid, tmp_path / "here", DUMP_SIGNAL, budget=0.2), fork=SHORT)
    assert seen.documents == {}
    assert seen.missing == NO_JVM | {"python_hang": "faulthandler did not end its dump in time"}


def test_process_that_is_gone(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    documents, missing = take_documents(pid, tmp_path / "hang.txt", DUMP_SIGNAL)
    assert documents == {}
    assert set(missing) == {"java_dump", "python_hang"}


@pytest.mark.parametrize("budget", [0.0, -1.0])
def test_budget_that_is_spent(tmp_path: Path, budget: float) -> None:
    documents, missing = take_documents(os.getpid(), tmp_path / "hang.txt", DUMP_SIGNAL, budget)
    assert (documents, set(missing)) == ({}, {"java_dump", "python_hang"})
