"""What a user can try if no diagnosis is proved, chosen by the outcome and by what the evidence lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..model import documents
from ..model.checkers import JNI, MALLOC, checks_in
from ..model.fault_signals import FAULTS, MEMORY
from ..model.modes import built_in
from ..model.observation import ENDED_BY_ITSELF
from ..model.outcomes import Outcome
from ..model.records import RunRecord
from ..model.roles import MAIN, is_alone, waiting_call
from ..model.stacks import Awaited, Motion, Thread

_CONTROL: Final = "main"
_LAUNCHERS: Final = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]launchers\.py$")
_OF_OTHERS: Final = (Awaited.GIL, Awaited.NATIVE)
"""Waits that a thread of C may end. Beside a JVM such a thread is not shown."""


def next_steps(record: RunRecord) -> Iterator[str]:
    """Yield one sentence for each step. The first step is the one that tells most."""
    steps = [*_steps(record)]
    yield from steps
    wanted = record.evidence.native_threads or documents.NATIVE in record.evidence.missing
    if not steps and record.outcome is Outcome.HANG and not wanted:
        yield "--foreign-thread-native=auto: the C frames of each thread, and who holds the GIL"


def _steps(record: RunRecord) -> Iterator[str]:
    if record.outcome is Outcome.HANG:
        yield from _of_hang(record)
    elif record.signal in FAULTS and not (record.evidence.fatal_error and record.evidence.fatal_error.sent):
        yield from _of_fault(record)
    elif record.signal is not None and record.signal not in FAULTS:
        yield f"who sends {record.signal}: the code under test, a watchdog, or the kernel where memory runs out (dmesg)"
    # With `control_alone` the run has compared already.
    if record.mode != _CONTROL and record.control_alone is None:
        modes = f"--foreign-thread-modes={_CONTROL},{record.mode}"
        yield f"{modes}: if the test ends alike on the main thread, no foreign thread is the cause"


def _of_hang(record: RunRecord) -> Iterator[str]:
    thread = record.evidence.current_thread
    if thread is not None and _was_not_called(thread, record):
        yield f"the launcher of the mode {record.mode!r}: it has returned, and nothing has called its argument"
    elif thread is not None and (awaited := _awaited(thread)) is not None and _is_left_alone(thread, record):
        others = "no other thread that is shown runs Python or Java code that could do so"
        yield f"the code that should end the wait{awaited}: {others}"
    if thread is not None and thread.motion in (Motion.MOVING, Motion.RUNNING):
        yield "a higher --foreign-thread-timeout: the thread did something, and may only be slow"
    if ENDED_BY_ITSELF in record.notes:
        yield "a higher --foreign-thread-timeout: the test went on while its stacks were taken, and may only be slow"
        if record.mode == _CONTROL:
            yield (
                f"--foreign-thread-modes={_CONTROL},python: to ask for the stacks a signal is sent to the main thread, "
                "which may end a wait in C there, such as sleep()"
            )
    if record.evidence.native_threads:
        yield "--foreign-thread-native=locals: the values of Python's variables, which name what is waited for"


def _was_not_called(thread: Thread, record: RunRecord) -> bool:
    """Return whether the main thread waits for a body that a launcher of the project should have begun."""
    place = waiting_call(thread.python_frames) if thread.name == MAIN else None
    launches = any(_LAUNCHERS.search(frame.file) for frame in thread.python_frames[:place])
    return built_in(record.mode) is None and place is not None and not launches


def _awaited(thread: Thread) -> str | None:
    """Return words to be put after "the wait"; None if the thread waits for nothing that Python or Java code ends."""
    kinds = [wait.kind for wait in thread.waits]
    if thread.motion is not Motion.STILL or any(kind in _OF_OTHERS for kind in kinds):
        return None
    if thread.waits:
        return f" for {thread.waits[0].what}"
    return "" if (thread.java_state or "").startswith("WAITING") else None


def _is_left_alone(thread: Thread, record: RunRecord) -> bool:
    evidence = record.evidence
    return evidence.has_all_threads(jvm=record.jvm) and is_alone(thread, evidence.threads)


def _of_fault(record: RunRecord) -> Iterator[str]:
    if record.signal in MEMORY and record.evidence.is_silent:
        # A checker of memory is of no help: it would write nothing either.
        yield (
            "a larger stack for the threads that libraries make (ulimit -s 65536, before pytest starts): no handler of "
            "the signal could run, as on a thread whose stack is full"
        )
        return
    on = checks_in(record.notes)
    if record.signal == "SIGBUS":
        yield "the size and the file system (full?) of what is mapped: SIGBUS mostly means that a file has no page"
    elif MALLOC not in on:
        yield "--foreign-thread-check=malloc: Python names memory that was freed, or written beyond its end"
    if record.jvm and JNI not in on:
        yield "--foreign-thread-check=jni: the JVM names calls of JNI that break its rules"
