"""Threads and frames as lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, groupby

from ..stacks import JavaFrame, JavaThread, NativeFrame, PythonFrame, PythonThread

_SERVICE_THREAD = re.compile(
    r"Reference Handler|Finalizer|Signal Dispatcher|Service Thread|Monitor Deflation Thread|Notification Thread"
    r"|C[12] CompilerThread\d+|Common-Cleaner|Sweeper thread|Attach Listener|DestroyJavaVM|Python Reference Queue"
    r"|VM Thread|VM Periodic Task Thread|(?:Par)?GC Thread#\d+|G1 .+"
)
_HARNESS_FILE = re.compile(
    r"[/\\](?:_pytest|pluggy|pytest_foreignthread)[/\\]"
    r"|[/\\]pytest[/\\]__main__\.py$|[/\\]bin[/\\]pytest$|^<frozen runpy>$"
)
# Where the child writes its own stacks, at os._exit for one.
_WRITER_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]faults\.py$")
# What Java's own stack traces leave out, and stubs of HotSpot's.
_HIDDEN_JAVA = re.compile(
    r"^~|^java\.lang\.invoke\.(LambdaForm|Invokers|DirectMethodHandle)\b|^jdk\.internal\.foreign\.abi\.\w+Stub\b"
)
_SHORTEST_FOLD = 3


def python_stacks(threads: Sequence[PythonThread], *, crashed: bool) -> Iterator[str]:
    """Yield the lines of all stacks, that of the current thread first, marked when it crashed."""
    for thread in sorted(threads, key=lambda thread: not thread.current):
        name = "" if thread.name is None else f' "{thread.name}"'
        mark = " (crashed)" if thread.current and crashed else ""
        yield f"Thread {thread.id:#018x}{name}{mark}"
        yield from _python_frames(thread.frames)


def _python_frames(all_frames: Sequence[PythonFrame]) -> Iterator[str]:
    frames = list(dropwhile(lambda frame: _WRITER_FILE.search(frame.file), all_frames)) or list(all_frames)
    # The innermost frame is where it happened, wherever that is, so it is never folded away.
    for frame in frames[:1]:
        yield _python_frame(frame)
    for in_harness, run in groupby(frames[1:], key=lambda frame: _HARNESS_FILE.search(frame.file) is not None):
        members = list(run)
        if in_harness and len(members) >= _SHORTEST_FOLD:
            yield f"  ({len(members)} frames of pytest and this plugin)"
        else:
            yield from _without_repeats(members)


def _without_repeats(frames: Sequence[PythonFrame]) -> Iterator[str]:
    for frame, repeats in groupby(frames):
        count = len(list(repeats))
        shown = count if count <= _SHORTEST_FOLD else 1
        yield from [_python_frame(frame)] * shown
        if shown < count:
            yield f"  (the same frame {count - shown} more times)"


def _python_frame(frame: PythonFrame) -> str:
    line = "" if frame.line is None else f", line {frame.line}"
    return f'  File "{frame.file}"{line}, in {frame.function}'


def native_stack(frames: Sequence[NativeFrame]) -> Iterator[str]:
    for frame in frames:
        if frame.function is None:
            yield f"  {frame.library or ''}{frame.offset}"
        else:
            library = "" if frame.library is None else f" ({frame.library})"
            yield f"  {frame.function}{frame.offset}{library}"


def java_stack(frames: Sequence[JavaFrame]) -> Iterator[str]:
    for hidden, run in groupby(frames, key=lambda frame: _HIDDEN_JAVA.search(frame.function) is not None):
        members = list(run)
        if hidden:
            noun = "frame" if len(members) == 1 else "frames"
            yield f"  ({len(members)} hidden {noun} of HotSpot and method handles)"
        else:
            yield from (_java_frame(frame) for frame in members)


def _java_frame(frame: JavaFrame) -> str:
    place = ":".join(str(part) for part in (frame.file, frame.line) if part is not None)
    return f"  at {frame.function}({place})" if place else f"  at {frame.function}"


def java_stacks(threads: Sequence[JavaThread]) -> Iterator[str]:
    """Yield each thread with its state, its locks and its frames; service threads at rest are only counted."""
    shown = [thread for thread in threads if not _idle_service(thread)]
    for thread in shown:
        native_id = "" if thread.native_id is None else f", native id {thread.native_id}"
        state = "" if thread.state is None else f": {thread.state}"
        yield f'"{thread.name}"{native_id}{state}'
        yield from (f"  {lock}" for lock in thread.locks)
        yield from java_stack(thread.frames)
    if folded := len(threads) - len(shown):
        yield f"(and {folded} idle JVM service {'thread' if folded == 1 else 'threads'})"


def _idle_service(thread: JavaThread) -> bool:
    # A service thread that waits for a monitor is part of the deadlock, not of the furniture.
    blocked = thread.state is not None and thread.state.startswith("BLOCKED")
    return not thread.current and not blocked and _SERVICE_THREAD.fullmatch(thread.name) is not None
