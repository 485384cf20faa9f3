"""Threads, frames and waits in words, the same in reports and in diagnoses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from .stacks import END_IN_C, Awaited, Frame, JniFinding, Motion, NativeFrame, PythonFrame, Thread, Wait


def called(thread: Thread) -> str:
    """Return the name of a thread, with its native id if another thread has the same name."""
    return titled(thread) if thread.shares_name else _name(thread)


def titled(thread: Thread) -> str:
    """Return the name of a thread with its native id."""
    if thread.native_id is None or not (thread.name or thread.python_id is not None):
        return _name(thread)
    return f"{_name(thread)} (native id {thread.native_id})"


def _name(thread: Thread) -> str:
    if thread.name:
        return f'"{thread.name}"'
    if thread.python_id is not None:
        return hex(thread.python_id)
    return "without a name" if thread.native_id is None else str(thread.native_id)


def finding_lines(finding: JniFinding, name: str | None) -> list[str]:
    """Return what HotSpot found about a call of JNI, with the thread and its stack; `name` is that of the thread."""
    thread = f'"{name}"' if name else str(finding.native_id)
    return [
        finding.text if finding.native_id is None else f"{finding.text}, on thread {thread}",
        *(f"  at {frame_words(frame)}" for frame in finding.frames),
    ]


def folded(texts: Iterable[str]) -> list[str]:
    """Return each text once, with the number of its repetitions if there is more than one."""
    return [text if times == 1 else f"{text}\n  ({times} times)" for text, times in Counter(texts).items()]


def wait_words(wait: Wait, threads: Sequence[Thread]) -> str:
    """Return what a thread waits for, and which thread holds or runs that."""
    if wait.owner is None:
        return wait.what
    if wait.what == END_IN_C:
        return f"the end of {called(threads[wait.owner])} (in C)"
    verb = "runs" if wait.kind is Awaited.FUTURE else "holds"
    return f"{wait.what}, which {called(threads[wait.owner])} {verb}"


def motion_words(thread: Thread) -> str:
    match thread.motion:
        case Motion.STILL:
            return "did not move"
        case Motion.RUNNING:
            return "was running in the same frames"
        case Motion.MOVING:
            return f"was moving: {', '.join(map(frame_words, thread.seen))}"
        case None:
            return ""


def frame_words(frame: Frame) -> str:
    """Return function, file and line of a frame, short enough for a sentence."""
    if isinstance(frame, NativeFrame):
        return native_words(frame)
    simple = frame.function if isinstance(frame, PythonFrame) else ".".join(frame.function.rsplit(".", 2)[-2:])
    place = [re.split(r"[/\\]", frame.file or "")[-1], *([] if frame.line is None else [str(frame.line)])]
    return f"{simple} ({':'.join(place)})" if frame.file else simple


def native_words(frame: NativeFrame) -> str:
    if frame.function is None:
        return f"{frame.library}{frame.offset}" if frame.library else frame.offset or "unknown code"
    library = "" if frame.library is None else f" ({frame.library})"
    return f"{frame.function}{frame.offset}{library}"
