"""What happens to the supervising process: ^C, signal handlers that raise, SIGKILL, threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import Exited, JvmFailed, Observation
from pytest_foreignthread.supervise.process.fork import OpenEnds
from pytest_foreignthread.supervise.supervisor import supervise
from tests.supervise.real_children import PATIENCE, await_end, await_line, exists, held

ROOT = Path(__file__).parents[2]
PRELUDE = """
import os, pathlib, signal, sys, threading, time
from tests.supervise.real_children import detached, hang, held, run
supervising, folder = os.getpid(), pathlib.Path(sys.argv[1])
def write(name, pid):
    (folder / name).write_text(f"{pid}\\n")
def child_main(sender):
    write("keeper", os.getppid())
    write("daemon", detached(hang))
    write("child", os.getpid())
    in_the_child()
    hang()
def is_clean():
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return held() == before
before = held()
"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command of a supervising process; `in_the_child()` and the rest come as its last argument."""
    monkeypatch.chdir(ROOT)
    return [sys.executable, "-W", "error", "-c", PRELUDE]


def run_script(command: list[str], folder: Path, body: str) -> str:
    code = command[-1] + textwrap.dedent(body)
    done = subprocess.run([*command[:-1], code, str(folder)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stderr == ""
    return done.stdout


def pids(folder: Path) -> list[int]:
    return [int(await_line(folder / name)) for name in ("keeper", "daemon", "child")]


THREAD = "threading.Thread(target=hang, daemon=True).start(); before = held()"


@pytest.mark.parametrize("thread", ["", THREAD], ids=["alone", "beside a thread"])
@pytest.mark.parametrize("times", [1, 3])
def test_keyboard_interrupt_clears_up_first(script: list[str], tmp_path: Path, thread: str, times: int) -> None:
    body = f"""
    def in_the_child():
        for _ in range({times}):
            os.kill(supervising, signal.SIGINT)
    {thread}
    try:
        try:
            run(child_main)
        finally:
            clean = is_clean()
    except KeyboardInterrupt:
        print("interrupted", clean)
    """
    assert run_script(script, tmp_path, body) == "interrupted True\n"
    assert [pid for pid in pids(tmp_path) if exists(pid)] == []


def test_interrupt_while_the_stacks_are_taken(script: list[str], tmp_path: Path) -> None:
    body = """
    def in_the_child():
        pass
    def probe(pid):
        signal.raise_signal(signal.SIGINT)
        return {}, {}
    try:
        run(child_main, probe, fork=1.0)
    except KeyboardInterrupt:
        print("interrupted", is_clean())
    """
    assert run_script(script, tmp_path, body) == "interrupted True\n"
    assert [pid for pid in pids(tmp_path) if exists(pid)] == []


def test_handler_that_raises_clears_up_first(script: list[str], tmp_path: Path) -> None:
    """pytest-timeout's method `signal` works so."""
    body = """
    def in_the_child():
        os.kill(supervising, signal.SIGALRM)
    def handler(*_):
        raise LookupError("time-out")
    signal.signal(signal.SIGALRM, handler)
    try:
        run(child_main)
    except LookupError:
        print("raised", is_clean())
    """
    assert run_script(script, tmp_path, body) == "raised True\n"
    assert [pid for pid in pids(tmp_path) if exists(pid)] == []


@pytest.mark.parametrize("thread", ["", THREAD], ids=["alone", "beside a thread"])
def test_signals_at_any_moment_leave_nothing(script: list[str], tmp_path: Path, thread: str) -> None:
    """A timer whose handler raises, at another moment of the supervision each time."""
    body = f"""
    def handler(*_):
        raise LookupError("time-out")
    def as_before():
        return signal.getsignal(signal.SIGALRM) is handler and not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    signal.signal(signal.SIGALRM, handler)
    {thread}
    raised = clean = 0
    for moment in range(1, 81):
        try:
            signal.setitimer(signal.ITIMER_REAL, moment * 0.00025)
            run(lambda sender: None)
            while True:
                time.sleep(0.001)
        except LookupError:
            raised += 1
        clean += is_clean() and as_before()
    print(raised, clean)
    """
    assert run_script(script, tmp_path, body) == "80 80\n"


@pytest.mark.parametrize("stride", [1, 4])
# Each step has a child of its own.
@pytest.mark.by_default("4")
def test_an_interrupt_at_any_step_of_the_pids_arrival_leaves_nothing(
    script: list[str], tmp_path: Path, stride: int
) -> None:
    """A handler may raise before each instruction of Python's; a trace function that raises stands for it."""
    body = """
    from pytest_foreignthread.supervise.process import keeper_client, processes
    of_child = keeper_client.KeptChild
    of_pid = of_child._take, of_child._take_pid, of_child._is_kept, processes.open_pidfd
    codes = {function.__code__ for function in (*of_pid, processes.stat, processes._read)}
    def is_interrupted(step):
        steps = 0
        def trace(frame, event, argument):
            nonlocal steps
            if frame.f_code not in codes or signal.pthread_sigmask(signal.SIG_BLOCK, ()):
                return None
            # Each putting off of signals reads one more file of the kernel's: once is enough.
            if frame.f_back.f_code is processes.caught_signals.__code__:
                return None
            frame.f_trace_opcodes = True
            steps += event == "opcode"
            if steps == step:
                sys.settrace(None)
                raise LookupError(step)
            return trace
        sys.settrace(trace)
        try:
            run(lambda sender: None)
        except LookupError:
            return True
        finally:
            sys.settrace(None)
        return False
    step = 1
    while is_interrupted(step) and is_clean():
        step += STRIDE
    print(step > 20, is_clean())
    """
    assert run_script(script, tmp_path, body.replace("STRIDE", str(stride))) == "True True\n"


def test_signals_wait_while_files_of_the_kernel_are_read(script: list[str], tmp_path: Path) -> None:
    """An exception between the opening of a file and its reader would leave it open, which Python warns of."""
    body = """
    from pytest_foreignthread.supervise import supervisor
    def handler(*_):
        raise LookupError("time-out")
    signal.signal(signal.SIGALRM, handler)
    reads = []
    def oom_kills():
        if len(reads) == interrupted:
            signal.raise_signal(signal.SIGALRM)
        reads.append(1)
        return 0
    supervisor.oom_kills = oom_kills
    for interrupted in (0, 1):
        reads.clear()
        try:
            run(lambda sender: None)
        except LookupError:
            print(interrupted, len(reads), is_clean())
    """
    assert run_script(script, tmp_path, body) == "0 1 True\n1 2 True\n"


@pytest.mark.parametrize("chained", ["SIG_IGN", "SIG_DFL"])
def test_process_that_ignores_its_children_sees_their_ends(script: list[str], tmp_path: Path, chained: str) -> None:
    body = f"""
    signal.signal(signal.SIGCHLD, signal.{chained})
    def child_main(sender):
        assert signal.getsignal(signal.SIGCHLD) is signal.{chained}
        os._exit(5)
    print(run(child_main).end, is_clean())
    """
    assert run_script(script, tmp_path, body) == "Exited(code=5) True\n"


def test_child_has_the_handler_of_c_for_its_children(script: list[str], tmp_path: Path) -> None:
    body = """
    import ctypes
    from pytest_foreignthread.supervise.process.sigactions import Action, action_of, set_action
    handler = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value
    set_action(signal.SIGCHLD, Action(handler))
    def child_main(sender):
        os._exit(5 if action_of(signal.SIGCHLD).handler == handler else 6)
    print(run(child_main).end, action_of(signal.SIGCHLD).handler == handler)
    """
    assert run_script(script, tmp_path, body) == "Exited(code=5) True\n"


def test_child_has_the_signal_mask_of_the_parent(script: list[str], tmp_path: Path) -> None:
    body = """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    def child_main(sender):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGUSR2}
    print(run(child_main).end, signal.pthread_sigmask(signal.SIG_BLOCK, ()) == {signal.SIGUSR2})
    """
    assert run_script(script, tmp_path, body) == "Exited(code=0) True\n"


def test_process_with_closed_standard_descriptors(script: list[str], tmp_path: Path) -> None:
    body = """
    out = os.dup(1)
    os.closerange(0, 3)
    before = held()
    seen = run(lambda sender: os._exit(5))
    os.write(out, f"{seen.end} {is_clean()}\\n".encode())
    """
    assert run_script(script, tmp_path, body) == "Exited(code=5) True\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_a_supervising_process_that_is_killed(script: list[str], tmp_path: Path, number: int) -> None:
    code = script[-1] + "def in_the_child(): pass\nrun(child_main)\n"
    process = subprocess.Popen([*script[:-1], code, str(tmp_path)])
    try:
        living = pids(tmp_path)
        assert all(map(exists, living))
    finally:
        process.send_signal(number)
        process.wait(PATIENCE)
    for pid in living:
        await_end(pid)


STOPPED = """
def in_the_child():
    os.kill({pid}, signal.SIGSTOP)
    write("stopped", os.getpid())
run(child_main)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stopped", ["os.getppid()", "detached(hang)"], ids=["keeper", "daemon"])
def test_what_was_stopped_does_not_outlive_the_supervising_process(
    script: list[str], tmp_path: Path, number: int, stopped: str
) -> None:
    code = script[-1] + STOPPED.format(pid=stopped)
    process = subprocess.Popen([*script[:-1], code, str(tmp_path)])
    try:
        living = pids(tmp_path)
        await_line(tmp_path / "stopped")
    finally:
        process.send_signal(number)
        process.wait(PATIENCE)
    for pid in living:
        await_end(pid)


def test_children_of_two_threads_do_not_hold_each_others_pipes() -> None:
    ends, started, release = OpenEnds(), threading.Event(), os.pipe()
    observations: list[Observation] = []

    def long_child(sender: Sender) -> None:
        os.read(release[0], 1)

    def report_descriptors(sender: Sender) -> None:
        sender.send(JvmFailed(str(len(os.listdir("/proc/self/fd")))))

    def supervise_long_child() -> None:
        def limits(phase: object) -> float:
            started.set()
            return PATIENCE

        observations.append(supervise(long_child, limits=limits, ends=ends))

    alone = supervise(report_descriptors, limits=lambda phase: PATIENCE, ends=ends)
    thread = threading.Thread(target=supervise_long_child)
    thread.start()
    started.wait(PATIENCE)
    before = held()
    beside = supervise(report_descriptors, limits=lambda phase: PATIENCE, ends=ends)
    os.write(release[1], b"x")
    thread.join()
    for descriptor in release:
        os.close(descriptor)
    assert beside.messages == alone.messages
    assert before != held()
    assert [seen.end for seen in observations] == [Exited(0)]
