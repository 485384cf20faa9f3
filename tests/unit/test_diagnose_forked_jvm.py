"""A process that was forked with the JVM in its memory: how it is found, read and judged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.evidence.forked_jvm_document import parse_forked_jvms
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.model.observation import EndedBy, Observation, Signaled
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.stacks import ForkedProcess, NativeFrame, PythonFrame
from pytest_foreignthread.supervise.probes import forks_with_jvm
from pytest_foreignthread.supervise.probes.native import NativeError
from pytest_foreignthread.supervise.process import processes

PYTHON: Final = '    (Python) File "/p/test_it.py", line 8, in collect'
JPYPE: Final = '    (C) File "???", line 0, in JPMethod::invoke() (/site/_jpype.so)'
JVM: Final = '    (C) File "???", line 0, in VMThread::execute(VM_Operation*) (/jdk/lib/server/libjvm.so)'
WAIT: Final = '    (C) File "???", line 0, in pthread_cond_wait (/lib/libc.so.6)'
SLEEP: Final = '    (C) File "???", line 0, in clock_nanosleep (/lib/libc.so.6)'


def document(*lines: str, head: str = "# process 4711, 1 threads, foreign-1") -> str:
    # pystack prints the most recent call last.
    return "\n".join([head, "Traceback for thread 4711 (foreign-1) [] (most recent call last):", *lines, ""])


def code(text: str, outcome: Outcome = Outcome.HANG) -> str | None:
    evidence = read_evidence({"forked_jvm": text, "python_hang": ""}, {}, {})
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
    idle, stuck = document(PYTHON, SLEEP), document(PYTHON, JVM, head="# process 4712, 3 threads, worker")
    assert code(idle + stuck) == "forked-jvm"
    assert code(stuck, Outcome.CRASH) is None


def test_processes_are_read_with_their_stacks() -> None:
    text = document(PYTHON, JVM) + "# process 9, 2 threads, a (b), c\n"
    jvm = NativeFrame("libjvm.so", "VMThread::execute(VM_Operation*)", "")
    first, second = parse_forked_jvms(text)
    assert (first.pid, first.name, first.number) == (4711, "foreign-1", 1)
    assert first.threads[0].frames == (jvm, PythonFrame("/p/test_it.py", 8, "collect"))
    assert second == ForkedProcess(9, "a (b), c", 2, ())


@pytest.mark.parametrize("text", ["", "nothing", "# process x, 1 threads, y\n", "\0" * 50])
def test_any_other_text_has_no_process(text: str) -> None:
    assert parse_forked_jvms(text) == ()


FORKS: Final = """
import mmap, os, sys, time
with open(sys.argv[1], "rb") as file:
    library = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(600)
if os.fork() == 0:
    os.execv(sys.argv[2], [sys.argv[2], "600"])
time.sleep(600)
"""


def test_forks_are_told_from_programs_of_their_own(tmp_path: Path) -> None:
    library = tmp_path / "libjvm.so"
    library.write_bytes(b"x" * 4096)
    command = [sys.executable, "-c", FORKS, str(library), "/bin/sleep"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            fork = int(process.stdout.readline())
            while len(processes.descendants(process.pid)) < 2:
                time.sleep(0.01)
            # Until the second one is another program it is a fork as well.
            while (found := forks_with_jvm.forked_jvms(process.pid)) != [fork]:
                assert fork in found
            assert forks_with_jvm.forked_jvms(os.getpid()) == []
        finally:
            os.killpg(process.pid, 9)


def test_what_can_be_had_is_taken() -> None:
    def stacks(pid: int, give_up: float) -> str:
        if pid == 1:
            raise NativeError("no")
        return "stack\n"

    text = forks_with_jvm.stacks_of([1, os.getpid()], 0.0, stacks)
    assert text.startswith(f"# process {os.getpid()}, ")
    assert text.endswith("\nstack\n")
    with pytest.raises(NativeError, match="no"):
        forks_with_jvm.stacks_of([1], 0.0, stacks)
