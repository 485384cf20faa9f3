"""pystack on real processes, and what is said where it cannot look."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import EndedBy, Observation, PhaseStarted, Taken
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.probes import native
from pytest_foreignthread.supervise.probes.native import NativeError, native_stacks
from pytest_foreignthread.supervise.probes.pystack import Pystack
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.fork import OpenEnds
from tests.supervise.real_children import PATIENCE, SHORT, await_end, await_line, hang, run

ROOT = Path(__file__).parents[2]
TRACE_ME, ATTACH = 0, 16
needs_pystack = pytest.mark.skipif(not native.is_wanted(native.AUTO), reason="pystack is not installed")


def looked_at(act: Callable[[], None], choice: str = native.AUTO) -> Observation:
    """A child that passes its deadline, with what pystack told of it then."""

    def child_main(sender: Sender) -> None:
        sender.send(PhaseStarted(Phase.CALL))
        act()

    def probe(pid: int) -> Taken:
        try:
            return {"native": native_stacks(pid, time.monotonic() + PATIENCE, choice)}, {}
        except NativeError as error:
            return {}, {"native": str(error)}

    return run(child_main, probe, call=SHORT)


def hang_with_the_gil() -> None:
    local = "a value of the test's"  # noqa: F841
    ctypes.PyDLL(None).pause()


@needs_pystack
@pytest.mark.parametrize("choice", [native.AUTO, native.LOCALS])
def test_frames_of_both_sides_and_the_gil(choice: str) -> None:
    seen = looked_at(hang_with_the_gil, choice)
    assert (seen.ended_by, seen.missing, seen.notes) == (EndedBy.DEADLINE, {}, ())
    text = seen.documents["native"]
    assert "[Has the GIL] (most recent call last):" in text
    assert "in hang_with_the_gil\n" in text
    assert ", in pause (" in text
    assert ("a value of the test's" in text.partition("Locals:")[2]) == (choice == native.LOCALS)


def let_another_trace() -> None:
    ctypes.CDLL(None).ptrace(TRACE_ME, 0, 0, 0)
    hang()


@needs_pystack
def test_a_process_that_may_not_be_traced() -> None:
    seen = looked_at(let_another_trace)
    assert seen.documents == {}
    assert seen.missing["native"].startswith("pystack may not trace the child: set /proc/sys/kernel/yama/ptrace_scope")
    assert "CAP_SYS_PTRACE" in seen.missing["native"]


@needs_pystack
@pytest.mark.parametrize("is_reaped", [False, True])
def test_a_process_that_has_ended(is_reaped: bool) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | (0 if is_reaped else os.WNOWAIT))
    with pytest.raises(NativeError, match=r"^the child ended before pystack had looked at it$"):
        native_stacks(process.pid, time.monotonic() + PATIENCE)
    process.wait()


def test_without_pystack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not native.is_wanted(native.AUTO)
    with pytest.raises(NativeError, match=r"^pystack is not installed: pip install 'pytest-foreignthread\[native\]'$"):
        native_stacks(os.getpid(), time.monotonic() + PATIENCE)


@needs_pystack
@pytest.mark.parametrize(("choice", "wanted"), [(native.AUTO, True), (native.LOCALS, True), (native.OFF, False)])
def test_when_pystack_is_wanted(choice: str, wanted: bool) -> None:
    assert native.is_wanted(choice) is wanted


@pytest.fixture
def other_pystack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a program in pystack's place."""

    def install(program: str) -> None:
        package = tmp_path / "other" / "pystack"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        head = "import ctypes, os, signal, sys\npid = int(sys.argv[2])\n"
        (package / "__main__.py").write_text(head + textwrap.dedent(program))
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        monkeypatch.syspath_prepend(package.parent)

    return install


SAYS = "sys.stderr.write({!r}); sys.exit({})"
ERROR = "WARNING(f): w\nEngine error: no symbols\n\nadvice\n"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (SAYS.format(ERROR, 1), "pystack failed: Engine error: no symbols"),
        ("raise ValueError('its own')", "pystack failed: ValueError: its own"),
        (SAYS.format("", 3), "pystack ended with status 3 and said nothing"),
        ("", "pystack ended with status 0 and said nothing"),
        ("os.kill(os.getpid(), 9)", "pystack ended with status -9 and said nothing"),
        ("import pystack.more", "pystack failed: ModuleNotFoundError: No module named 'pystack.more'"),
        (SAYS.format("Operation not permitted\nadvice", 1), "pystack may not trace the child"),
        (SAYS.format("/usr/bin/python: No module named pystack", 1), "pystack is not installed"),
    ],
)
def test_what_pystack_says(other_pystack: Callable[[str], None], program: str, reason: str) -> None:
    other_pystack(program)
    with pytest.raises(NativeError) as raised:
        native_stacks(os.getpid(), time.monotonic() + PATIENCE)
    assert str(raised.value).startswith(reason)


def test_python_that_cannot_be_started(other_pystack: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    other_pystack("")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NativeError, match=r"^pystack could not be started: .*/nowhere/python"):
        native_stacks(os.getpid(), time.monotonic() + PATIENCE)


STUCK_TRACER = f"""
    ctypes.CDLL(None).ptrace({ATTACH}, pid, 0, 0)
    signal.pause()
"""


def test_a_tracer_that_is_stuck_leaves_the_process_running(other_pystack: Callable[[str], None]) -> None:
    other_pystack(STUCK_TRACER)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with pytest.raises(NativeError, match=r"^pystack did not end in time$"):
            native_stacks(process.pid, time.monotonic() + 1.0)
        # A stopped process would not read its line.
        process.communicate(b"\n", timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0


class Interrupted(BaseException):
    pass


def test_an_exception_meanwhile_leaves_nothing(other_pystack: Callable[[str], None]) -> None:
    """The handler of a signal raises while pystack is waited for; the fixture of this folder looks for what is left."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    other_pystack("os.kill(pid, signal.SIGUSR1)\nwhile True: signal.pause()")
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            native_stacks(os.getpid(), time.monotonic() + PATIENCE)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_pystack_dies_with_the_process_that_started_it(
    other_pystack: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pid"
    other_pystack(f"open({str(file)!r}, 'w').write(f'{{os.getpid()}}\\n')\nwhile True: signal.pause()")
    monkeypatch.chdir(ROOT)
    program = """if True:
        import time
        from pytest_foreignthread.supervise.probes.native import native_stacks
        native_stacks(1, time.monotonic() + 600)
    """
    process = subprocess.Popen([sys.executable, "-c", program])
    pystack = int(await_line(file))
    process.kill()
    process.wait()
    await_end(pystack)


def test_one_process_serves_all_looks_until_it_is_closed(other_pystack: Callable[[str], None]) -> None:
    other_pystack("print(os.getppid())")
    ends = OpenEnds()
    pystack = Pystack(ends)
    first, second = (native_stacks(os.getpid(), time.monotonic() + PATIENCE, native.AUTO, pystack) for _ in range(2))
    assert first == second
    pystack.close()
    assert processes.stat(int(first)) is None
    third = native_stacks(os.getpid(), time.monotonic() + PATIENCE, native.AUTO, pystack)
    pystack.close()
    assert third != first


def test_a_child_has_no_end_of_its_pipes(other_pystack: Callable[[str], None]) -> None:
    other_pystack("print(os.getppid())")
    before = set(os.listdir("/proc/self/fd"))
    ends = OpenEnds()
    pystack = Pystack(ends)
    native_stacks(os.getpid(), time.monotonic() + PATIENCE, native.AUTO, pystack)
    during = set(os.listdir("/proc/self/fd"))
    ends.close_all_in_child()
    assert (len(during - before), set(os.listdir("/proc/self/fd")) - before) == (2, set())
    pystack.close()


@needs_pystack
def test_the_users_folder_is_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pystack.py").write_text("print('not this')")
    monkeypatch.chdir(tmp_path)
    stacks = native_stacks(os.getpid(), time.monotonic() + PATIENCE)
    assert "in test_the_users_folder_is_not_searched" in stacks
    assert "not this" not in stacks


def test_the_child_lets_the_pytest_process_trace_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Yama the kernel refuses the call, which does no harm."""
    file = tmp_path / "calls"
    real = ctypes.CDLL(None, use_errno=True)

    class Recording:
        def prctl(self, *values: ctypes.c_int | ctypes.c_ulong) -> int:
            with file.open("a") as log:
                log.write(f"{os.getpid()} {[value.value for value in values[:2]]}\n")
            return int(real.prctl(*values))

    monkeypatch.setattr(processes, "_LIBC", Recording())
    children: list[int] = []

    def probe(pid: int) -> Taken:
        children.append(pid)
        return {}, {}

    run(lambda sender: hang(), probe, fork=SHORT)
    (child,) = children
    assert f"{child} {[0x59616D61, os.getpid()]}\n" in file.read_text()
