"""The frames of one stack as lines of text. Runs of frames that do not help a reader are folded into one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import dropwhile, groupby, takewhile

from ..model.stacks import Frame, JavaFrame, NativeFrame, PythonFrame
from ..model.wording import native_words

_HARNESS_FILE = re.compile(
    r"[/\\](?:_pytest|pluggy|pytest_foreignthread)[/\\]"
    r"|[/\\]pytest[/\\]__main__\.py$|[/\\]bin[/\\]pytest$|^<frozen runpy>$"
)
# The file whose functions write the child's own stacks, at os._exit for example.
_WRITER_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]faults\.py$")
# Frames that Java's own stack traces leave out, and stubs of HotSpot.
_HIDDEN_JAVA = re.compile(
    r"^~|^java\.lang\.invoke\.(LambdaForm|Invokers|DirectMethodHandle)\b|^jdk\.internal\.foreign\.abi\.\w+Stub\b"
)
# The functions by which glibc waits. Of several on top of each other only the outermost, which was called, is shown.
_WAITING = re.compile(r"_*(?:new_)?(?:futex_\w+|pthread_cond_(?:timed)?wait|pthread_clockjoin|sem_wait|GI___futex)")
_HARNESS, _C, _HIDDEN, _SHOWN = "harness", "C", "hidden", "shown"
# The suffixes of a library's file name.
_SUFFIXES = re.compile(r"(?:\.cpython-[^.]+|\.abi3)?\.so\b.*")
_SHORTEST_FOLD = 3
_LONGEST_CYCLE = 32
"""Lines that one round of a recursion may have, C frames included. Longer rounds are not found."""
_NAMED = 4
"""Libraries that a fold names."""
_TOP = 4
"""C frames on top of a stack that are always shown: they say what the thread waits in, or where it crashed."""


def frame_lines(frames: Sequence[Frame], *, whole: bool = False) -> Iterator[str]:
    """Yield one line for each frame, most recent call first. With `whole`, only repeated lines are folded."""
    lines = map(frame_line, frames) if whole else _shown(frames)
    yield from _without_repeats(list(lines))


def _shown(frames: Sequence[Frame]) -> Iterator[str]:
    shown = list(dropwhile(_is_writers, frames)) or list(frames)
    shown = shown[max(0, sum(1 for _ in takewhile(_only_waits, shown)) - 1) :]
    # The innermost frames say where the thread was, so they are never folded, whatever library they are of.
    head = _head(shown)
    yield from map(frame_line, _without_nameless(shown[:head]))
    for kind, run in groupby(_classified(shown[head:]), key=lambda pair: pair[0]):
        yield from _folded(kind, [frame for _, frame in run])


def _is_writers(frame: Frame) -> bool:
    return isinstance(frame, PythonFrame) and _WRITER_FILE.search(frame.file) is not None


def _only_waits(frame: Frame) -> bool:
    return isinstance(frame, NativeFrame) and _WAITING.match(frame.function or "") is not None


def _head(frames: Sequence[Frame]) -> int:
    """Return the number of frames on top that are always shown: C frames, and the first Python or Java frame."""
    native = next((place for place, frame in enumerate(frames) if not isinstance(frame, NativeFrame)), len(frames))
    return min(native, _TOP) + (native < min(len(frames), _TOP) and not _is_hidden(frames[native]))


def _without_nameless(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Yield the frames, without those that have no function name and follow another frame of the same library.

    A stripped library would otherwise fill the top of the stack with equal lines.
    """
    previous: Frame | None = None
    for frame in frames:
        library = previous.library if isinstance(previous, NativeFrame) else ""
        if not isinstance(frame, NativeFrame) or frame.function is not None or frame.library != library:
            yield frame
        previous = frame


def _is_hidden(frame: Frame) -> bool:
    return isinstance(frame, JavaFrame) and _HIDDEN_JAVA.search(frame.function) is not None


def _classified(frames: Sequence[Frame]) -> list[tuple[str, Frame]]:
    """Return each frame with its kind, by which it is folded. C frames between two harness frames count as harness."""
    kinds = [_kind(frame) for frame in frames]
    solid = [kind for kind in kinds if kind != _C]
    place = 0
    for index, kind in enumerate(kinds):
        if kind != _C:
            place += 1
        elif _HARNESS in solid[max(0, place - 1) : place] and set(solid[place : place + 1]) <= {_HARNESS}:
            kinds[index] = _HARNESS
    return list(zip(kinds, frames, strict=True))


def _kind(frame: Frame) -> str:
    if isinstance(frame, NativeFrame):
        return _C
    if isinstance(frame, PythonFrame):
        return _HARNESS if _HARNESS_FILE.search(frame.file) else _SHOWN
    return _HIDDEN if _is_hidden(frame) else _SHOWN


def _folded(kind: str, run: Sequence[Frame]) -> Iterator[str]:
    if kind == _HIDDEN:
        noun = "frame" if len(run) == 1 else "frames"
        yield f"  ({len(run)} hidden {noun} of HotSpot and method handles)"
    elif kind == _HARNESS and len(run) >= _SHORTEST_FOLD:
        yield f"  ({len(run)} frames of pytest and this plugin)"
    elif kind == _C and len(run) >= _SHORTEST_FOLD:
        yield f"  ({len(run)} C frames of {_libraries(run)})"
    else:
        yield from map(frame_line, run)


def _libraries(run: Sequence[Frame]) -> str:
    names = [frame.library for frame in run if isinstance(frame, NativeFrame)]
    known = list(dict.fromkeys(_SUFFIXES.sub("", name) for name in names if name is not None))
    others = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(known[:_NAMED]) + others or "unknown code"


def _without_repeats(lines: Sequence[str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        period, times = _repeated(lines, place)
        yield from lines[place : place + period]
        if times > 1:
            what = "frame" if period == 1 else f"{period} lines"
            yield f"  (the same {what} {times - 1} more times)"
        place += period * times


def _repeated(lines: Sequence[str], place: int) -> tuple[int, int]:
    """Return how many lines from `place` on form a block that repeats, and how often; (1, 1) if no block repeats."""
    for period in range(1, _LONGEST_CYCLE + 1):
        block, times = lines[place : place + period], 1
        while lines[place + period * times : place + period * (times + 1)] == block:
            times += 1
        if times > _SHORTEST_FOLD:
            return period, times
    return 1, 1


def frame_line(frame: Frame) -> str:
    """Return the line of a frame. It begins with the frame's language, so that a merged stack can be read."""
    if isinstance(frame, PythonFrame):
        line = "" if frame.line is None else f", line {frame.line}"
        return f'  (Python) File "{frame.file}"{line}, in {frame.function}'
    if isinstance(frame, JavaFrame):
        return (
            f"  (Java)   at {frame.function}({_place(frame)})" if _place(frame) else f"  (Java)   at {frame.function}"
        )
    return f"  (C)      {native_words(frame)}"


def _place(frame: JavaFrame) -> str:
    known = ":".join(str(part) for part in (frame.file, frame.line) if part is not None)
    return known or ("Native Method" if frame.native else "")
