"""The crashing thread as every report shows it.

Frames may stand in the merged evidence or, where nothing was merged, in the head of the hs_err file alone.
"""

from __future__ import annotations

from ..records import Evidence
from ..stacks import JavaThread, NativeFrame, PythonThread


def python_thread(evidence: Evidence) -> PythonThread | None:
    return next((thread for thread in evidence.python_threads if thread.current), None)


def java_thread(evidence: Evidence) -> JavaThread | None:
    return next((thread for thread in java_threads(evidence) if thread.current), None)


def java_threads(evidence: Evidence) -> tuple[JavaThread, ...]:
    """The threads of the evidence, with the one that only the hs_err file names put first."""
    fatal = evidence.fatal_error
    if fatal is None or fatal.thread is None or any(thread.current for thread in evidence.java_threads):
        return evidence.java_threads
    crashed = JavaThread(fatal.thread, fatal.native_id, True, None, fatal.java_frames)
    return (crashed, *evidence.java_threads)


def native_frames(evidence: Evidence) -> tuple[NativeFrame, ...]:
    if evidence.native_frames or evidence.fatal_error is None:
        return evidence.native_frames
    return evidence.fatal_error.native_frames
