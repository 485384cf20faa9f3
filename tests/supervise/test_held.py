"""A child that waits in its crash to be looked at. A JVM is not needed: the child does what HotSpot's command does."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.child.begun_crash import BegunCrash
from pytest_foreignthread.child.faults import PythonStacks
from pytest_foreignthread.child.native.held_crash import hold_crashes, pause
from pytest_foreignthread.child.native.pthreads import start_thread
from pytest_foreignthread.child.thread_attributes import ThreadAttributes
from pytest_foreignthread.model.observation import EndedBy, Exited, Observation, PhaseStarted, Signaled, Taken
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.model.settings import CRASH_FIFO, GO_ON_FIFO, held_mask
from pytest_foreignthread.supervise.probes.crash_gate import CrashWatch
from pytest_foreignthread.supervise.probes.held_thread import has_held_thread
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.sigactions import Action, set_action
from tests.supervise.real_children import PATIENCE, SHORT, Clock, await_end, await_line, hang, run, send_pid, sent_pids

ROOT = Path(__file__).parents[2]


def be_held(folder: Path, word: object) -> None:
    """Write a word where the supervisor waits for a pid, and wait for its leave."""
    (folder / CRASH_FIFO).write_text(f"{word}\n")
    with (folder / GO_ON_FIFO).open() as file:
        assert file.readline() == "\n"


class Looks:
    """What is called with the pid of a child that is held."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def __call__(self, pid: int) -> Taken:
        self.pids.append(pid)
        return {"native": "frames"}, {"more": "a reason"}


def watched(act: Callable[[], None], folder: Path, look: Callable[[int], Taken], call: float) -> Observation:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "child", os.getpid())
        sender.send(PhaseStarted(Phase.CALL))
        act()

    return run(child_main, lambda pid: ({"taken": "at the deadline"}, {}), CrashWatch(folder, look), call=call)


def test_a_child_is_looked_at_and_ends_by_itself(tmp_path: Path) -> None:
    def die() -> None:
        be_held(tmp_path, os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)

    looks = Looks()
    seen = watched(die, tmp_path, looks, PATIENCE)
    assert (seen.end, seen.ended_by, seen.notes) == (Signaled(signal.SIGKILL), EndedBy.ITSELF, ())
    assert (seen.documents, seen.missing) == ({"native": "frames"}, {"more": "a reason"})
    assert looks.pids == [sent_pids(seen)["child"]]


def test_the_phases_time_stands_still_meanwhile(tmp_path: Path, clock: Clock) -> None:
    """The look takes longer than the phase may."""

    def look(pid: int) -> Taken:
        clock.passed += 2 * PATIENCE
        return {}, {}

    seen = watched(lambda: be_held(tmp_path, os.getpid()), tmp_path, look, call=PATIENCE)
    assert (seen.end, seen.ended_by) == (Exited(0), EndedBy.ITSELF)
    assert seen.phase_duration < PATIENCE


def test_a_child_that_goes_on_has_its_deadline(tmp_path: Path) -> None:
    def act() -> None:
        be_held(tmp_path, os.getpid())
        hang()

    seen = watched(act, tmp_path, Looks(), SHORT)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    assert seen.documents == {"native": "frames", "taken": "at the deadline"}


def test_a_child_that_dies_at_its_deadline_is_not_held(tmp_path: Path) -> None:
    read, write = os.pipe()

    def act() -> None:
        os.read(read, 1)
        be_held(tmp_path, os.getpid())

    def probe(pid: int) -> Taken:
        os.write(write, b"x")
        processes.wait_for_end(pid, PATIENCE)
        return {}, {}

    looks = Looks()
    try:
        seen = run(lambda sender: act(), probe, CrashWatch(tmp_path, looks), fork=SHORT)
    finally:
        os.close(read)
        os.close(write)
    assert (seen.end, seen.ended_by, looks.pids) == (Exited(0), EndedBy.DEADLINE, [])
    assert seen.notes == ("the child ended by itself while its stacks were taken",)


def test_only_the_first_word_brings_a_look(tmp_path: Path) -> None:
    def act() -> None:
        for _ in range(3):
            be_held(tmp_path, os.getpid())

    looks = Looks()
    seen = watched(act, tmp_path, looks, PATIENCE)
    assert (seen.end, len(looks.pids)) == (Exited(0), 1)


@pytest.mark.parametrize("word", ["", "x", "1", "-1", "\0", "1 " * 300])
def test_another_word_brings_none(tmp_path: Path, word: str) -> None:
    looks = Looks()
    seen = watched(lambda: be_held(tmp_path, word), tmp_path, looks, PATIENCE)
    assert (seen.end, seen.documents, looks.pids) == (Exited(0), {}, [])


def test_a_process_that_the_test_forked_may_die_as_well(tmp_path: Path) -> None:
    def act() -> None:
        if (pid := os.fork()) == 0:
            be_held(tmp_path, os.getpid())
            os._exit(0)
        os.waitpid(pid, 0)
        be_held(tmp_path, os.getpid())

    looks = Looks()
    seen = watched(act, tmp_path, looks, PATIENCE)
    assert (seen.end, looks.pids) == (Exited(0), [sent_pids(seen)["child"]])


def test_a_flood_of_words_puts_off_no_deadline(tmp_path: Path) -> None:
    def flood() -> None:
        with (tmp_path / CRASH_FIFO).open("wb", buffering=0) as file:
            while True:
                file.write(b"1\n" * 1000)

    looks = Looks()
    seen = watched(flood, tmp_path, looks, SHORT)
    assert (seen.ended_by, looks.pids) == (EndedBy.DEADLINE, [])


def test_a_look_that_fails_lets_the_child_go(tmp_path: Path) -> None:
    def look(pid: int) -> Taken:
        raise ValueError("no")

    seen = watched(lambda: be_held(tmp_path, os.getpid()), tmp_path, look, PATIENCE)
    assert (seen.end, seen.missing) == (Exited(0), {"probe": "ValueError: no"})


def test_an_interrupt_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    """The fixture of this folder looks for what is left."""

    def look(pid: int) -> Taken:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watched(lambda: be_held(tmp_path, os.getpid()), tmp_path, look, PATIENCE)


def test_a_folder_that_takes_no_fifo_holds_nobody(tmp_path: Path) -> None:
    seen = watched(lambda: None, tmp_path / "nowhere", Looks(), PATIENCE)
    assert (seen.end, seen.documents) == (Exited(0), {})


PROGRAM = """
import os, pathlib, sys
from tests.supervise.real_children import hang
from tests.supervise.test_held import be_held, watched
folder = pathlib.Path(sys.argv[1])
def look(pid):
    (folder / "held").write_text(f"{pid}\\n")
    hang()
watched(lambda: be_held(folder, os.getpid()), folder, look, 600)
"""


def test_a_supervisor_that_is_killed_meanwhile_leaves_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])
    child = int(await_line(tmp_path / "held"))
    process.kill()
    process.wait()
    await_end(child)


def crash_held(act: Callable[[], object]) -> None:
    """Do as a child without a JVM does, and crash."""
    faulthandler.disable()
    hold_crashes()
    with Path(os.devnull).open("wb", buffering=0) as nowhere:
        faulthandler.enable(nowhere)
        act()
        hang()


def abort_quietly() -> None:
    faulthandler.disable()
    os.abort()


def abort_before_an_alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    os.abort()


def with_default_action(number: int, act: Callable[[], object]) -> None:
    signal.signal(number, signal.SIG_DFL)
    act()


def beside_a_thread(act: Callable[[], None]) -> None:
    threading.Thread(target=signal.sigwait, args=({signal.SIGUSR1},), daemon=True).start()
    act()


CRASHES = {
    "by abort() beside a thread, with another signal as in C": (
        lambda: beside_a_thread(lambda: with_default_action(signal.SIGSEGV, os.abort)),
        signal.SIGABRT,
    ),
    "by abort(), with another signal as in C": (
        lambda: with_default_action(signal.SIGSEGV, os.abort),
        signal.SIGABRT,
    ),
    "by a fault, with a signal as in C": (
        lambda: with_default_action(signal.SIGABRT, lambda: ctypes.string_at(0)),
        signal.SIGSEGV,
    ),
    "sent, with an earlier signal as in C": (
        lambda: with_default_action(signal.SIGSEGV, lambda: os.kill(os.getpid(), signal.SIGFPE)),
        signal.SIGFPE,
    ),
    "by a fault": (lambda: ctypes.string_at(0), signal.SIGSEGV),
    "by abort()": (os.abort, signal.SIGABRT),
    "sent": (lambda: os.kill(os.getpid(), signal.SIGFPE), signal.SIGFPE),
    "without faulthandler": (abort_quietly, signal.SIGABRT),
    "on another thread": (
        lambda: start_thread(lambda: ctypes.string_at(0), "other", ThreadAttributes()),
        signal.SIGSEGV,
    ),
    "with a signal that comes meanwhile": (
        abort_before_an_alarm,
        signal.SIGABRT,
    ),
}


@pytest.mark.parametrize(("act", "number"), CRASHES.values(), ids=CRASHES)
def test_a_crash_without_a_jvm_waits_for_the_look(tmp_path: Path, act: Callable[[], None], number: int) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        signal.signal(signal.SIGALRM, lambda *_: None)
        crash_held(act)

    looks = Looks()
    seen = run(child_main, None, CrashWatch(tmp_path, looks, without_jvm=True), call=PATIENCE)
    assert (seen.end, seen.ended_by) == (Signaled(number), EndedBy.ITSELF)
    assert len(looks.pids) == 1
    assert seen.documents["native"] == "frames"
    assert seen.documents["held_crash"].startswith(f"signal: {signal.Signals(number).name}\nthread: ")


def test_the_crash_is_described_before_a_look_moves_the_thread(tmp_path: Path) -> None:
    """A tracer that detaches lets the thread run for a moment; one that kills the process leaves nothing to read."""

    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        crash_held(lambda: ctypes.string_at(0))

    def kill(pid: int) -> Taken:
        os.kill(pid, signal.SIGKILL)
        processes.wait_for_end(pid, PATIENCE)
        return {}, {}

    seen = run(child_main, None, CrashWatch(tmp_path, kill, without_jvm=True), call=PATIENCE)
    assert seen.end == Signaled(signal.SIGSEGV)
    assert "\nlibrary: " in seen.documents["held_crash"]


def write_to_zero() -> None:
    # Without the GIL: the other threads go on.
    ctypes.CDLL(None).memset(0, 1, 8)


def on_threads(count: int) -> None:
    barrier = threading.Barrier(count)

    def crash() -> None:
        barrier.wait()
        write_to_zero()

    for _ in range(count):
        threading.Thread(target=crash, daemon=True).start()


@pytest.mark.parametrize("count", [2, 8])
def test_threads_that_crash_at_once_all_wait(tmp_path: Path, count: int) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        crash_held(lambda: on_threads(count))

    looks = Looks()
    seen = run(child_main, None, CrashWatch(tmp_path, looks, without_jvm=True), call=PATIENCE)
    assert (seen.end, seen.ended_by, len(looks.pids)) == (Signaled(signal.SIGSEGV), EndedBy.ITSELF, 1)
    lines = seen.documents["held_crash"].splitlines()
    assert lines[0] == "signal: SIGSEGV"
    assert [line.partition(" ")[0] for line in lines[1 : count + 1]] == ["thread:", *["also:"] * (count - 1)]


@pytest.mark.parametrize("disabled", [False, True])
def test_a_thread_that_goes_on_waits_for_the_end_of_the_crash(tmp_path: Path, disabled: bool) -> None:
    def raise_now(*_: object) -> None:
        raise TimeoutError

    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        stacks = PythonStacks(tmp_path / "python", tmp_path / "asked", signal.SIGUSR1)
        stacks.arm_without_jvm(hold=True)
        crash = BegunCrash(stacks)
        if disabled:
            faulthandler.disable()
        crash.await_end()
        threading.Thread(target=write_to_zero, daemon=True).start()
        while not has_held_thread(os.getpid()):
            time.sleep(0.001)
        signal.signal(signal.SIGALRM, raise_now)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        crash.await_end()
        os._exit(0)

    seen = run(child_main, None, CrashWatch(tmp_path, Looks(), without_jvm=True), call=PATIENCE)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGSEGV), EndedBy.ITSELF)


def pause_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    signal.pause()


def in_handler(number: int) -> None:
    """Wait in libc's `pause` as the handler of a signal, with all signals blocked."""
    set_action(number, Action(pause(), (ctypes.c_uint64 * 16)(held_mask()), 0, None))
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("wait", [signal.pause, pause_blocked, lambda: in_handler(signal.SIGUSR2)])
def test_one_that_only_waits_is_left_alone(tmp_path: Path, wait: Callable[[], object]) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        crash_held(wait)

    looks = Looks()
    seen = run(child_main, None, CrashWatch(tmp_path, looks, without_jvm=True), call=SHORT)
    assert seen.ended_by is EndedBy.DEADLINE
    assert looks.pids == []


@pytest.mark.parametrize("machine", ["riscv64", "ppc64le", ""])
def test_on_another_machine_a_crash_has_no_address(
    machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        crash_held(lambda: ctypes.string_at(0))

    monkeypatch.setattr(platform, "machine", lambda: machine)
    seen = run(child_main, None, CrashWatch(tmp_path, Looks(), without_jvm=True), call=PATIENCE)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGSEGV), EndedBy.ITSELF)
    assert seen.documents["held_crash"].startswith("signal: SIGSEGV\nthread: ")
    assert "address:" not in seen.documents["held_crash"]
