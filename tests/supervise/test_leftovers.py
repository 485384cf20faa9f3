"""What a child starts, stops and kills: nothing of it outlives the supervision."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import EndedBy, Exited, Finished, Lost, PhaseStarted, Signaled, ThreadNamed
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.process import processes
from tests.supervise.real_children import PATIENCE, SHORT, await_end, detached, exists, hang, run, send_pid, sent_pids

KILLED = "process(es) outlived the child and were killed"


def leave_only_a_thread() -> None:
    threading.Thread(target=hang).start()
    ctypes.CDLL(None).pthread_exit(None)


def ignore_signals_and_hang() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    hang()


def stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("body", [hang, ignore_signals_and_hang, stop, leave_only_a_thread])
def test_daemon_that_outlives_the_child_is_killed(body: Callable[[], None]) -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "daemon", detached(body))
        sender.send(Finished())

    seen = run(child_main)
    assert (seen.end, seen.ended_by, seen.notes) == (Exited(0), EndedBy.ITSELF, (f"1 {KILLED}",))
    assert seen.finished
    assert not exists(sent_pids(seen)["daemon"])


def test_daemon_is_killed_with_a_child_that_hangs() -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "daemon", detached(hang))
        sender.send(PhaseStarted(Phase.CALL))
        hang()

    seen = run(child_main, call=SHORT)
    assert (seen.end, seen.ended_by, seen.notes) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE, ())
    assert not exists(sent_pids(seen)["daemon"])


def test_many_daemons_are_killed() -> None:
    def child_main(sender: Sender) -> None:
        for number in range(40):
            send_pid(sender, str(number), detached(hang))

    seen = run(child_main)
    assert (seen.end, seen.notes) == (Exited(0), (f"40 {KILLED}",))
    assert [pid for pid in sent_pids(seen).values() if exists(pid)] == []


def fork_again_and_again() -> None:
    # It ends by itself, so that a fault of the keeper's does not cost the machine a processor.
    give_up = time.monotonic() + PATIENCE / 3
    while time.monotonic() < give_up:
        if os.fork() > 0:
            # The parent leaves, so that each process is an orphan of another pid a moment later.
            os._exit(0)
        os.setsid()


def test_daemon_that_changes_its_pid_all_the_time_is_killed() -> None:
    def child_main(sender: Sender) -> None:
        detached(fork_again_and_again)

    assert run(child_main).end == Exited(0)


@pytest.mark.parametrize("writes", [False, True])
def test_pipe_that_a_process_holds_open_does_not_hold_up_the_end(writes: bool) -> None:
    def child_main(sender: Sender) -> None:
        def hold() -> None:
            while True:
                if writes:
                    os.write(sender.fileno(), b"x" * 4096)
                else:
                    time.sleep(1)

        sender.send(Finished())
        send_pid(sender, "daemon", detached(hold))

    seen = run(child_main)
    assert (seen.end, seen.notes) == (Exited(0), (f"1 {KILLED}",))
    assert seen.messages[0] == Finished()
    assert seen.duration < PATIENCE / 2


def test_helper_that_ends_with_the_child_is_no_leftover() -> None:
    def child_main(sender: Sender) -> None:
        read, write = os.pipe()

        def until_the_child_is_gone() -> None:
            os.close(write)
            os.read(read, 1)

        detached(until_the_child_is_gone)
        os.set_inheritable(write, True)

    assert run(child_main).notes == ()


def test_orphan_is_reaped_while_the_child_lives() -> None:
    def child_main(sender: Sender) -> None:
        pid = detached(lambda: None)
        while exists(pid):
            time.sleep(0.001)
        sender.send(Finished())

    seen = run(child_main)
    assert (seen.end, seen.finished) == (Exited(0), True)


def test_process_forked_by_the_test_that_falls_through_is_silent_and_leaves() -> None:
    def child_main(sender: Sender) -> None:
        pid = os.fork()
        if pid > 0:
            assert os.waitpid(pid, 0) == (pid, 0)
            send_pid(sender, "fallen", pid)
        sender.send(Finished())

    seen = run(child_main)
    assert [type(message) for message in seen.messages] == [ThreadNamed, Finished]
    assert (seen.end, seen.notes) == (Exited(0), ())


def test_process_forked_by_the_test_that_raises_writes_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    def child_main(sender: Sender) -> None:
        print("once")
        pid = os.fork()
        if pid == 0:
            raise LookupError("of the grandchild")
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 70

    assert run(child_main).end == Exited(0)
    assert capfd.readouterr() == ("once\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGUSR1])
def test_keeper_takes_no_signals(number: int) -> None:
    def child_main(sender: Sender) -> None:
        os.kill(os.getppid(), number)
        sender.send(Finished())

    seen = run(child_main)
    assert (seen.end, seen.finished, seen.notes) == (Exited(0), True, ())


def test_keeper_that_is_killed_takes_the_child_along() -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "child", os.getpid())
        pid = os.fork()
        if pid == 0:
            hang()
        send_pid(sender, "grandchild", pid)
        os.kill(os.getppid(), signal.SIGKILL)
        hang()

    seen = run(child_main)
    assert (seen.end, seen.ended_by) == (Lost("the process that keeps the child was killed"), EndedBy.ITSELF)
    for pid in sent_pids(seen).values():
        await_end(pid)


def sleep_without_descriptors_and_environment() -> None:
    os.closerange(0, 4096)
    os.execve(sys.executable, [sys.executable, "-S", "-E", "-c", f"import time; time.sleep({10 * PATIENCE})"], {})


DAEMONS = [hang, ignore_signals_and_hang, stop, leave_only_a_thread, sleep_without_descriptors_and_environment]


@pytest.mark.parametrize("body", DAEMONS)
@pytest.mark.parametrize("with_child", [False, True])
def test_daemon_is_killed_when_the_keeper_was(body: Callable[[], None], with_child: bool) -> None:
    """It has another parent by then, a session of its own, and perhaps nothing that tells where it comes from."""

    def child_main(sender: Sender) -> None:
        send_pid(sender, "daemon", detached(body))
        if with_child:
            # Both at once: neither sees the other's end.
            os.kill(os.getppid(), signal.SIGSTOP)
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    seen = run(child_main)
    assert isinstance(seen.end, Lost)
    await_end(sent_pids(seen)["daemon"])


def test_daemon_that_changes_its_pid_is_killed_when_the_keeper_was() -> None:
    read, write = os.pipe()

    def child_main(sender: Sender) -> None:
        os.close(read)
        detached(fork_again_and_again)
        os.kill(os.getppid(), signal.SIGKILL)
        hang()

    run(child_main)
    os.close(write)
    # The last of them has ended.
    assert processes.wait_readable(read, PATIENCE)
    os.close(read)


def test_daemon_is_killed_when_the_keeper_was_after_the_childs_end() -> None:
    def child_main(sender: Sender) -> None:
        child, keeper = os.getpid(), os.getppid()

        def kill_the_keeper() -> None:
            pidfd = processes.open_pidfd(child)
            assert pidfd is not None
            # Until then it is killed with its child.
            assert processes.wait_readable(pidfd, PATIENCE)
            os.kill(keeper, signal.SIGKILL)
            hang()

        send_pid(sender, "daemon", detached(kill_the_keeper))

    seen = run(child_main)
    assert isinstance(seen.end, (Exited, Lost))
    await_end(sent_pids(seen)["daemon"])


def test_process_that_the_child_did_not_start_is_left_alone() -> None:
    """A daemon of the pytest process's own, say of a fixture: it is nobody's child, as those of a killed keeper are."""
    daemon = detached(hang)
    pidfd = processes.open_pidfd(daemon)
    assert pidfd is not None

    def child_main(sender: Sender) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        hang()

    seen = run(child_main)
    assert isinstance(seen.end, Lost)
    assert not processes.wait_readable(pidfd, 0)
    os.kill(daemon, signal.SIGKILL)
    await_end(daemon)
    os.close(pidfd)


@pytest.mark.parametrize("hangs", [False, True])
def test_keeper_that_was_stopped_goes_on(hangs: bool) -> None:
    def child_main(sender: Sender) -> None:
        send_pid(sender, "daemon", detached(hang))
        sender.send(PhaseStarted(Phase.CALL))
        os.kill(os.getppid(), signal.SIGSTOP)
        if hangs:
            hang()

    seen = run(child_main, call=SHORT) if hangs else run(child_main)
    if hangs:
        assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    else:
        assert (seen.end, seen.ended_by, seen.notes) == (Exited(0), EndedBy.ITSELF, (f"1 {KILLED}",))
    assert not exists(sent_pids(seen)["daemon"])


def test_keeper_that_is_stopped_again_and_again_is_given_up() -> None:
    def child_main(sender: Sender) -> None:
        keeper = os.getppid()

        def keep_down() -> None:
            while True:
                os.kill(keeper, signal.SIGSTOP)

        send_pid(sender, "daemon", detached(keep_down))
        send_pid(sender, "child", os.getpid())
        hang()

    seen = run(child_main, fork=SHORT)
    assert seen.ended_by is EndedBy.DEADLINE
    assert isinstance(seen.end, (Lost, Signaled))
    for pid in sent_pids(seen).values():
        await_end(pid)


def test_child_of_another_supervision_is_left_alone() -> None:
    """A test may supervise, in the child, children of its own."""

    def outer(sender: Sender) -> None:
        seen = run(lambda inner: os._exit(7))
        assert seen.end == Exited(7)
        sender.send(Finished())

    seen = run(outer)
    assert (seen.end, seen.finished, seen.notes) == (Exited(0), True, ())


def test_nested_supervision_ends_with_the_outer_one() -> None:
    def outer(sender: Sender) -> None:
        def inner(_: Sender) -> None:
            send_pid(Sender(sender.fileno(), os.getpid()), "inner", os.getpid())
            hang()

        sender.send(PhaseStarted(Phase.CALL))
        run(inner)

    seen = run(outer, call=SHORT)
    assert (seen.end, seen.ended_by) == (Signaled(signal.SIGKILL), EndedBy.DEADLINE)
    assert [pid for pid in sent_pids(seen).values() if processes.stat(pid)] == []
