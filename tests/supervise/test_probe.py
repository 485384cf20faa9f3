"""The probe on children without a JVM."""

from __future__ import annotations

import faulthandler
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.evidence.os_threads import parse_os_threads
from pytest_foreignthread.model.observation import EndedBy, Observation, PhaseStarted, Taken
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.probes import native, probe
from pytest_foreignthread.supervise.probes.probe import take_documents
from pytest_foreignthread.supervise.probes.python_dump_request import DumpError, PythonDump
from tests.supervise.real_children import PATIENCE, SHORT, hang, run

DUMP_SIGNAL = int(signal.SIGRTMIN) + 5
NO_JVM = {"java_dump": "no JVM was running"}
LOOKS = {name: (name, f"{name}_2", f"{name}_3") for name in ("java_dump", "python_hang", "os_threads")}


def probed(
    child_main_act: object, file: Path, *, registers: bool = True, take: Callable[[int], Taken] | None = None
) -> Observation:
    def child_main(sender: Sender) -> None:
        if registers:
            faulthandler.register(DUMP_SIGNAL, file=file.open("a"), all_threads=True, chain=False)
        sender.send(PhaseStarted(Phase.CALL))
        assert callable(child_main_act)
        child_main_act()

    return run(child_main, take or (lambda pid: take_documents(pid, file, DUMP_SIGNAL, budget=PATIENCE)), call=SHORT)


def hang_in_two_threads() -> None:
    threading.Thread(target=hang, name="other").start()
    hang()


def test_stacks_of_all_threads(tmp_path: Path) -> None:
    file = tmp_path / "hang.txt"
    file.write_text("what stood there before\n")
    seen = probed(hang_in_two_threads, file)
    assert (seen.ended_by, seen.missing, seen.notes) == (EndedBy.DEADLINE, NO_JVM, ())
    assert set(seen.documents) == {*LOOKS["python_hang"], *LOOKS["os_threads"]}
    for name in LOOKS["python_hang"]:
        text = seen.documents[name]
        assert text.count("in hang\n") == 2
        assert text.count("in hang_in_two_threads\n") == 1
        assert "before" not in text
        assert text.endswith("\n")


def test_threads_as_the_kernel_shows_them(tmp_path: Path) -> None:
    seen = probed(hang_in_two_threads, tmp_path / "hang.txt")
    for name in LOOKS["os_threads"]:
        text = seen.documents[name]
        threads = parse_os_threads(text)
        assert len(threads) == 2
        assert text.count("\n") == 3
        assert {thread.state for thread in threads} == {"S"}
        assert all(thread.cpu_time >= 0 for thread in threads)


def spin() -> None:
    while True:
        pass


def test_the_looks_tell_a_busy_thread_from_a_waiting_one(tmp_path: Path) -> None:
    def busy_and_waiting() -> None:
        threading.Thread(target=spin, name="busy").start()
        hang()

    seen = probed(busy_and_waiting, tmp_path / "hang.txt")
    first, _, last = (
        {one.native_id: one for one in parse_os_threads(seen.documents[name])} for name in LOOKS["os_threads"]
    )
    quiet, busy = sorted(last[number].cpu_time - first[number].cpu_time for number in first)
    assert quiet < busy


def test_looks_are_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at: list[float] = []

    def note_the_time(pid: int) -> str:
        at.append(time.monotonic())
        return "x"

    monkeypatch.setattr(probe, "kernel_threads", note_the_time)
    probed(hang, tmp_path / "hang.txt")
    assert [later - earlier > 0.15 for earlier, later in pairwise(at)] == [True, True]


@pytest.mark.skipif(not native.is_wanted(native.AUTO), reason="pystack is not installed")
def test_native_stacks_are_taken_once(tmp_path: Path) -> None:
    file = tmp_path / "hang.txt"
    seen = probed(hang_in_two_threads, file, take=lambda pid: take_documents(pid, file, DUMP_SIGNAL, PATIENCE, "auto"))
    assert seen.missing == NO_JVM
    assert set(seen.documents) == {"native", *LOOKS["python_hang"], *LOOKS["os_threads"]}
    assert len(parse_native_dump(seen.documents["native"])) == 2


def test_native_stacks_that_cannot_be_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    documents, missing = take_documents(os.getpid(), tmp_path / "hang.txt", DUMP_SIGNAL, PATIENCE, "auto")
    assert missing["native"].startswith("pystack is not installed")
    assert "native" not in documents


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    hang()


def test_stopped_child_shows_where_it_stopped(tmp_path: Path) -> None:
    seen = probed(stop, tmp_path / "hang.txt")
    assert (seen.ended_by, seen.missing, seen.notes) == (EndedBy.DEADLINE, NO_JVM, ("the child was stopped",))
    assert "in stop\n" in seen.documents["python_hang"]
    # It was let go on to be asked: the later looks find it after the stop.
    assert "in hang\n" in seen.documents["python_hang_3"]


def block_the_signal() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {DUMP_SIGNAL})
    hang()


def test_signal_that_nobody_waits_for_is_not_sent(tmp_path: Path) -> None:
    seen = probed(hang, tmp_path / "hang.txt", registers=False)
    assert set(seen.documents) == set(LOOKS["os_threads"])
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
    assert set(seen.documents) == set(LOOKS["os_threads"])
    assert seen.missing == NO_JVM | {"python_hang": "faulthandler did not end its dump in time"}


def test_a_dump_is_not_waited_for_once_the_process_has_ended(tmp_path: Path) -> None:
    """The signal is pending in a stopped process, which then ends. PATIENCE would pass if the dump were waited for."""

    def look(pid: int) -> Taken:
        os.kill(pid, signal.SIGSTOP)
        dump = PythonDump(pid, file, DUMP_SIGNAL)
        dump.ask()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DumpError, match=r"^the child ended before faulthandler had ended its dump$"):
            dump.text(time.monotonic() + PATIENCE)
        return {}, {}

    file = tmp_path / "hang.txt"
    began = time.monotonic()
    assert probed(hang, file, take=look).missing == {}
    assert time.monotonic() - began < PATIENCE


def test_process_that_is_gone(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    documents, missing = take_documents(pid, tmp_path / "hang.txt", DUMP_SIGNAL)
    assert documents == {}
    assert set(missing) == {"java_dump", "python_hang", "os_threads"}


@pytest.mark.parametrize("budget", [0.0, -1.0])
def test_budget_that_is_spent(tmp_path: Path, budget: float) -> None:
    documents, missing = take_documents(os.getpid(), tmp_path / "hang.txt", DUMP_SIGNAL, budget)
    assert set(documents) == set(LOOKS["os_threads"])
    assert set(missing) == {"java_dump", "python_hang"}
