from __future__ import annotations

import ctypes
import faulthandler
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_foreignthread.channel.wire import Sender, encode
from pytest_foreignthread.model.observation import (
    End,
    EndedBy,
    Exited,
    Finished,
    InternalError,
    JvmFailed,
    Lost,
    PhaseStarted,
    Signaled,
)
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.process import processes
from tests.supervise.real_children import PATIENCE, SHORT, hang, run, send_pid, sent_pids

IN_CALL = PhaseStarted(Phase.CALL)


def kill_itself(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def become_another_program() -> None:
    os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(4)"])


def close_everything() -> None:
    os.closerange(3, 4096)


@pytest.mark.parametrize(
    ("last_act", "end"),
    [
        (lambda: None, Exited(0)),
        (lambda: os._exit(0), Exited(0)),
        (lambda: os._exit(3), Exited(3)),
        (lambda: kill_itself(signal.SIGKILL), Signaled(signal.SIGKILL)),
        (lambda: kill_itself(signal.SIGABRT), Signaled(signal.SIGABRT)),
        (lambda: kill_itself(signal.SIGINT), Signaled(signal.SIGINT)),
        (become_another_program, Exited(4)),
        (close_everything, Exited(0)),
        (lambda: os.closerange(0, 4096), Exited(0)),
    ],
)
def test_child_that_ends_by_itself(last_act: Callable[[], None], end: End) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(IN_CALL)
        last_act()

    seen = run(child_main)
    assert (seen.messages, seen.end, seen.ended_by) == ((IN_CALL,), end, EndedBy.ITSELF)
    assert (seen.phase, seen.phase_limit, seen.torn, seen.notes) == (Phase.CALL, PATIENCE, 0, ())
    assert 0 < seen.phase_duration < seen.duration < PATIENCE
    assert not seen.finished


def test_finished_child_has_sent_all_messages_before_its_end() -> None:
    def child_main(sender: Sender) -> None:
        for _ in range(5000):
            sender.send(JvmFailed("x" * 100))
        sender.send(Finished())

    seen = run(child_main)
    assert seen.messages == (*[JvmFailed("x" * 100)] * 5000, Finished())
    assert seen.finished
    assert seen.end == Exited(0)


def test_exception_in_the_child_is_an_exit_code_and_a_traceback() -> None:
    def child_main(sender: Sender) -> None:
        raise LookupError("of the child")

    seen = run(child_main)
    assert (seen.end, seen.phase, seen.phase_limit) == (Exited(70), Phase.FORK, PATIENCE)
    (error,) = seen.all(InternalError)
    assert "LookupError: of the child" in error.text
    assert "Traceback (most recent call last)" in error.text


def test_segfault_leaves_its_traceback(tmp_path: Path) -> None:
    traceback = tmp_path / "python.txt"

    def child_main(sender: Sender) -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with traceback.open("w") as file:
            faulthandler.enable(file)
            ctypes.string_at(0)

    seen = run(child_main)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGSEGV), EndedBy.ITSELF)
    text = traceback.read_text()
    assert text.startswith("Fatal Python error: Segmentation fault")
    assert "in child_main" in text


def test_output_that_stood_in_buffers_is_written_once(capfd: pytest.CaptureFixture[str]) -> None:
    sys.__stdout__.write("before the fork\n")  # type: ignore[union-attr]
    seen = run(lambda sender: print("in the child", file=sys.__stdout__))
    sys.__stdout__.flush()  # type: ignore[union-attr]
    assert seen.end == Exited(0)
    assert capfd.readouterr().out.splitlines() == ["before the fork", "in the child"]


def ignore_signals_and_hang() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    hang()


def close_everything_and_hang() -> None:
    close_everything()
    hang()


def leave_only_a_thread() -> None:
    """The process looks like a zombie then, and is none."""
    threading.Thread(target=hang).start()
    ctypes.CDLL(None).pthread_exit(None)


def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def hold_the_gil() -> None:
    ctypes.PyDLL(None).pause()


@pytest.mark.parametrize(
    ("last_act", "notes"),
    [
        (hang, ()),
        (hold_the_gil, ()),
        (ignore_signals_and_hang, ()),
        (close_everything_and_hang, ()),
        (leave_only_a_thread, ()),
        (stop_itself, ("the child was stopped",)),
    ],
)
def test_child_that_passes_its_deadline(last_act: Callable[[], None], notes: tuple[str, ...]) -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "child", os.getpid())
        sender.send(IN_CALL)
        last_act()

    seen = run(child_main, call=SHORT)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    assert (seen.phase, seen.phase_limit, seen.notes) == (Phase.CALL, SHORT, notes)
    assert SHORT <= seen.phase_duration < seen.duration
    assert processes.stat(sent_pids(seen)["child"]) is None


def test_first_phase_is_armed_before_any_message() -> None:
    seen = run(lambda sender: hang(), fork=SHORT)
    assert (seen.messages, seen.phase, seen.ended_by) == ((), Phase.FORK, EndedBy.DEADLINE)


def test_each_phase_has_its_own_limit() -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.SETUP))
        sender.send(IN_CALL)
        hang()

    seen = run(child_main, setup=PATIENCE / 2, call=SHORT)
    assert (seen.phase, seen.phase_limit, seen.ended_by) == (Phase.CALL, SHORT, EndedBy.DEADLINE)


def test_limit_of_a_phase_ends_with_it() -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.SETUP))
        sender.send(IN_CALL)
        time.sleep(2.5)

    seen = run(child_main, setup=2.0)
    assert (seen.phase, seen.phase_limit, seen.end) == (Phase.CALL, PATIENCE, Exited(0))
    assert seen.phase_duration > 2.0


def test_phase_marks_do_not_put_off_the_deadline_for_ever() -> None:
    def child_main(sender: Sender) -> None:
        while True:
            # Not so many that they are refused for their number.
            time.sleep(0.001)
            sender.send(IN_CALL)

    seen = run(child_main, fork=1.0, jvm=0.0, setup=0.0, call=1.0, teardown=0.0, exit=0.0)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    assert seen.duration >= 2.0


@pytest.mark.parametrize(
    "line",
    [b"garbage\n", b"x" * 99 + b"\n", b"\n", b"\xff\0", b"ReportMade\t" + b"[" * 50_000 + b"\n"],
    ids=["words", "long", "empty", "binary", "brackets"],
)
def test_garbage_in_the_pipe_costs_no_message(line: bytes) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(IN_CALL)
        garbage = line * (100_000 // len(line))
        for _ in range(20_000_000 // len(garbage)):
            _write_all(sender.fileno(), garbage)
        _write_all(sender.fileno(), b"\n")
        sender.send(Finished())

    seen = run(child_main)
    assert (seen.messages, seen.end, seen.torn) == ((IN_CALL, Finished()), Exited(0), 0)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def test_half_a_message_is_torn() -> None:
    half = encode(JvmFailed("reason"))[:-5]

    def child_main(sender: Sender) -> None:
        sender.send(IN_CALL)
        os.write(sender.fileno(), half)
        os._exit(6)

    seen = run(child_main)
    assert (seen.messages, seen.end, seen.torn) == ((IN_CALL,), Exited(6), len(half))


def test_fork_that_fails_is_a_lost_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_fork)
    seen = run(lambda sender: None)
    assert seen.end == Lost("no child could be forked: [Errno 11] Resource temporarily unavailable")
    assert (seen.ended_by, seen.phase) == (EndedBy.ITSELF, Phase.FORK)


def test_fork_that_fails_in_the_keeper_is_a_lost_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pid, fork = os.getpid(), os.fork

    def fork_once() -> int:
        if os.getpid() != pid:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(os, "fork", fork_once)
    seen = run(lambda sender: None)
    assert isinstance(seen.end, Lost)
    assert "Resource temporarily unavailable" in seen.end.reason


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_no_descriptors_left_for_pipes(monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    calls, pipe = [0], os.pipe

    def scarce_pipe() -> tuple[int, int]:
        calls[0] += 1
        if calls[0] == failing:
            raise OSError(24, "Too many open files")
        return pipe()

    monkeypatch.setattr(os, "pipe", scarce_pipe)
    assert run(lambda sender: None).end == Lost("no child could be forked: [Errno 24] Too many open files")


def test_probe_sees_the_living_child() -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "child", os.getpid())
        hang()

    probed = []

    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        stat = processes.stat(pid)
        probed.append((pid, stat is not None and stat.alive))
        return {"a": "text"}, {"b": "reason"}

    seen = run(child_main, probe, fork=SHORT)
    assert probed == [(sent_pids(seen)["child"], True)]
    assert (seen.documents, seen.missing) == ({"a": "text"}, {"b": "reason"})


def test_probe_is_not_called_for_a_child_that_ends() -> None:
    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        raise AssertionError("probed")

    seen = run(lambda sender: None, probe)
    assert (seen.documents, seen.missing, seen.end) == ({}, {}, Exited(0))


def test_probe_that_fails_is_a_missing_document() -> None:
    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        raise PermissionError("not yours")

    seen = run(lambda sender: hang(), probe, fork=SHORT)
    assert (seen.documents, seen.missing) == ({}, {"probe": "PermissionError: not yours"})
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)


def test_child_that_ends_while_it_is_probed_was_late_all_the_same() -> None:
    def child_main(sender: Sender) -> None:
        sender.send(IN_CALL)
        signal.sigwait({signal.SIGUSR1})
        sender.send(Finished())

    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        pidfd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGUSR1)
        processes.wait_readable(pidfd, PATIENCE)
        os.close(pidfd)
        return {}, {}

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        seen = run(child_main, probe, call=SHORT)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    assert (seen.end, seen.ended_by) == (Exited(0), EndedBy.DEADLINE)
    assert (seen.messages, seen.phase) == ((IN_CALL, Finished()), Phase.CALL)
    assert seen.notes == ("the child ended by itself while its stacks were taken",)
