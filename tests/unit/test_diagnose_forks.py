"""A process that the test forked: how it is found, read and judged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.evidence.forks_document import parse_forks
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.model.observation import EndedBy, Observation, Signaled
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.stacks import ForkedProcess, NativeFrame, OsThread, PythonFrame
from pytest_foreignthread.supervise.probes import forks
from pytest_foreignthread.supervise.probes.native import NativeError
from pytest_foreignthread.supervise.process import processes

PYTHON: Final = '    (Python) File "/p/test_it.py", line 8, in collect'
JPYPE: Final = '    (C) File "???", line 0, in JPMethod::invoke() (/site/_jpype.so)'
JVM: Final = '    (C) File "???", line 0, in VMThread::execute(VM_Operation*) (/jdk/lib/server/libjvm.so)'
WAIT: Final = '    (C) File "???", line 0, in pthread_cond_wait (/lib/libc.so.6)'
SLEEP: Final = '    (C) File "???", line 0, in clock_nanosleep (/lib/libc.so.6)'


FUTEX: Final = (202, 0x7F00, 0x189, 0, 0)
TIMED_FUTEX: Final = (202, 0x7F00, 0x189, 0, 0x7FFC)
ANY: Final = 0xFFFFFFFF


def kernels(native_id: int, call: Sequence[int]) -> str:
    """Return the kernel's line of a thread in this system call, given by its number and first arguments."""
    number, *values = [*call, *[0] * (9 - len(call))]
    return f"{native_id}\tS\t0.00\t{number} {' '.join(map(hex, values))}\tname"


def document(*lines: str, head: str = "# process 4711 of 1", call: Sequence[int] = FUTEX) -> str:
    # pystack prints the most recent call last.
    first = "Traceback for thread 4711 (foreign-1) [] (most recent call last):"
    return "\n".join([head, kernels(4711, call), first, *lines, ""])


def code(
    text: str, outcome: Outcome = Outcome.HANG, thread: Sequence[str] = (), call: Sequence[int] = (61, ANY)
) -> str | None:
    """Return the diagnosis of a test with these forks; `thread` are the frames of a thread of the test."""
    native = "\n".join(["Traceback for thread 99 (native-1) [] (most recent call last):", *thread, ""])
    os_threads = f"{kernels(99, call)}\n"
    evidence = read_evidence({"forks": text, "python_hang": "", "native": native, "os_threads": os_threads}, {}, {})
    observed = Observation((), Signaled(9), EndedBy.DEADLINE, Phase.CALL, 5.0, 5.0, 5.0)
    found = diagnose(Case(outcome, Phase.CALL, None, None, evidence, observed, "new"))
    return None if found is None else found.code


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((PYTHON, JPYPE, JVM, WAIT), "forked-jvm"),
        ((PYTHON, JVM), "forked-jvm"),
        ((PYTHON, SLEEP), None),
        ((PYTHON, JPYPE), None),
        # What the forking thread had below its Python code: it is not in the JVM.
        ((JVM, JPYPE, PYTHON, SLEEP), None),
        ((JVM, WAIT), None),
        ((), None),
    ],
)
def test_process_is_in_the_jvm_by_a_call_of_its_own(lines: tuple[str, ...], expected: str | None) -> None:
    assert code(document(*lines)) == expected


def test_any_of_several_processes_and_no_other_outcome() -> None:
    idle, stuck = document(PYTHON, SLEEP), document(PYTHON, JVM, head="# process 4712 of 1")
    assert code(idle + stuck) == "forked-jvm"
    assert code(stuck, Outcome.CRASH) is None


def test_processes_are_read_with_their_stacks() -> None:
    text = document(PYTHON, JVM, call=(61, 7)) + "# process 9 of 4711\n9\tS\t0.00\t\ta (b), c\n10\tS\t0.00\t\tb\n"
    jvm = NativeFrame("libjvm.so", "VMThread::execute(VM_Operation*)", "")
    first, second = parse_forks(text)
    assert (first.pid, first.name, first.parent, len(first.os)) == (4711, "name", 1, 1)
    assert first.threads[0].frames == (jvm, PythonFrame("/p/test_it.py", 8, "collect"))
    assert second == ForkedProcess(9, 4711, (OsThread(9, "a (b), c", "S", 0.0), OsThread(10, "b", "S", 0.0)), ())
    assert second.name == "a (b), c"


@pytest.mark.parametrize("text", ["", "nothing", "# process x of 1\n", "\0" * 50])
def test_any_other_text_has_no_process(text: str) -> None:
    assert parse_forks(text) == ()


LOCK_311: Final = [
    "lock_PyThread_acquire_lock (/lib/libpython3.11.so.1.0)",
    "PyThread_acquire_lock_timed (/lib/libpython3.11.so.1.0)",
    "__new_sem_wait_slow64.constprop.0 (/lib/libc.so.6)",
]
LOCK_314: Final = [
    "_PyMutex_LockTimed (/usr/bin/python3.14)",
    "_PyParkingLot_Park (/usr/bin/python3.14)",
    "sem_wait@@GLIBC_2.34 (/lib/libc.so.6)",
]
OF_PROCESSES: Final = [
    "_multiprocessing_SemLock_acquire (/lib/_multiprocessing.so)",
    "__new_sem_wait_slow64.constprop.0 (/lib/libc.so.6)",
]
POOL: Final = '    (Python) File "/lib/python3.11/multiprocessing/pool.py", line 765, in wait'


def in_c(functions: list[str]) -> list[str]:
    return [f'    (C) File "???", line 0, in {function}' for function in functions]


@pytest.mark.parametrize(
    ("fork", "waits", "expected"),
    [
        (LOCK_311, ["wait4 (/lib/libc.so.6)"], "forked-lock"),
        (LOCK_314, ["waitid (/lib/libc.so.6)"], "forked-lock"),
        (LOCK_311, [POOL], "forked-lock"),
        (OF_PROCESSES, ["wait4 (/lib/libc.so.6)"], None),
        (["clock_nanosleep (/lib/libc.so.6)"], ["wait4 (/lib/libc.so.6)"], None),
        (LOCK_311, ["clock_nanosleep (/lib/libc.so.6)"], None),
    ],
)
def test_a_fork_waits_for_a_lock_and_a_thread_for_the_fork(
    fork: list[str], waits: list[str], expected: str | None
) -> None:
    thread = [POOL] if waits == [POOL] else [PYTHON, *in_c(waits)]
    assert code(document(PYTHON, *in_c(fork)), thread=thread) == expected


@pytest.mark.parametrize(
    ("fork", "waits", "expected"),
    [
        (FUTEX, (61, 4711), "forked-lock"),
        (FUTEX, (61, 0), "forked-lock"),
        (FUTEX, (61, 2**64 - 1), "forked-lock"),
        (FUTEX, (247, 1, 4711), "forked-lock"),
        (FUTEX, (247, 0, 4712), "forked-lock"),
        (FUTEX, (35,), None),
        (FUTEX, (61, 4712), None),
        (FUTEX, (247, 1, 4712), None),
        # glibc's stack is the same as that of a wait without a timeout.
        (TIMED_FUTEX, (61, 4711), None),
        ((), (61, 4711), None),
    ],
)
def test_the_kernel_shows_a_wait_for_that_process_and_no_timeout(
    fork: Sequence[int], waits: Sequence[int], expected: str | None
) -> None:
    thread = [PYTHON, *in_c(["wait4 (/lib/libc.so.6)"])]
    assert code(document(PYTHON, *in_c(LOCK_311), call=fork), thread=thread, call=waits) == expected


def test_a_fork_of_a_fork() -> None:
    between = document(PYTHON, *in_c(["wait4 (/lib/libc.so.6)"]), call=(61, 4712))
    stuck = document(PYTHON, *in_c(LOCK_311), head="# process 4712 of 4711")
    thread = [PYTHON, *in_c(["wait4 (/lib/libc.so.6)"])]
    assert code(between + stuck, thread=thread, call=(61, 4711)) == "forked-lock"
    assert code(stuck, thread=thread, call=(61, 4711)) is None
    circle = stuck + document(PYTHON, *in_c(LOCK_311), head="# process 4711 of 4712")
    assert code(circle, thread=thread, call=(61, 4713)) is None


@pytest.mark.parametrize(("function", "expected"), [("_execute_child", "forked-lock"), ("communicate", None)])
def test_subprocess_waits_for_a_fork_until_the_program_begins(function: str, expected: str | None) -> None:
    thread = [f'    (Python) File "/lib/python3.11/subprocess.py", line 1, in {function}']
    assert code(document(PYTHON, *in_c(LOCK_311)), thread=thread, call=(0, 5)) == expected


def test_a_fork_with_a_thread_that_may_release_the_lock() -> None:
    text = document(PYTHON, *in_c(LOCK_311), head=f"# process 4711 of 1\n{kernels(4712, FUTEX)}")
    assert code(text, thread=[PYTHON, *in_c(["wait4 (/lib/libc.so.6)"])]) is None


FORKS: Final = """
import os, sys, time
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(600)
if os.fork() == 0:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:-1], "begun"])
time.sleep(600)
"""


def test_forks_are_told_from_programs_of_their_own() -> None:
    source = f"import sys\nif sys.argv[1:] == ['begun']:\n    import time; time.sleep(600)\n{FORKS}"
    command = [sys.executable, "-c", source, "begin"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            fork = int(process.stdout.readline())
            while len(processes.descendants(process.pid)) < 2:
                time.sleep(0.01)
            # Until the second one has started the program anew it is a fork as well.
            while (found := forks.forks_of(process.pid)) != [fork]:
                assert fork in found
            assert forks.forks_of(2**30) == []
        finally:
            os.killpg(process.pid, 9)


def test_what_can_be_had_is_taken() -> None:
    def stacks(pid: int, give_up: float) -> str:
        if pid == 1:
            raise NativeError("no")
        return "stack\n"

    text = forks.stacks_of([1, os.getpid()], 0.0, stacks)
    assert text.startswith(f"# process {os.getpid()} of {os.getppid()}\n")
    assert os.getpid() in {task.native_id for task in parse_forks(text)[0].os}
    assert text.endswith("\nstack\n")
    with pytest.raises(NativeError, match="no"):
        forks.stacks_of([1], 0.0, stacks)
