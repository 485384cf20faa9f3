"""The Python, Java and C frames of one thread → one stack, if the numbers of their stretches prove the order.

A stretch is a run of frames of one language. A wrong order would blame the wrong code: without a proof the stacks
stay apart, and the result says why. In all stacks the most recent call comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from ..model.stacks import Frame, JavaFrame, NativeFrame, PythonFrame

# The native methods by which Java calls Python, of JPype, jep and PyJNIus.
_INTO_PYTHON = re.compile(
    r"org\.jpype\.proxy\.JPypeProxy\.hostInvoke|jep\.\w+(?:\.\w+)*\.(?:exec|eval|run|invoke\w*|call)"
    r"|org\.jnius\.NativeInvocationHandler\.invoke0"
)
# The JDK's own native methods never call Python; another library's native method may.
_JDK = re.compile(r"(?:java|jdk|sun)\.")
_JAVA_BORN = re.compile(r"java\.lang\.(?:Thread|VirtualThread)\.run")
_EVALUATION = re.compile(r"_PyEval_EvalFrame|_PyFunction_Vectorcall")
_CALLBACK_FILE = re.compile(r"[/\\]pytest_foreignthread[/\\]child[/\\]callback\.py$")
# Debian and others strip these: the static functions in them have no names either, and must not be taken for Java's.
_EXTENSION_MODULE = re.compile(r".*\.(?:cpython-[\w-]+|abi3)\.so")
# HotSpot's stubs by which C calls Java: each is the oldest frame of its stretch. hs_err lists them, a thread dump does
# not.
_INTO_JAVA = re.compile(r"~.*(?:call_stub|upcall).*", re.IGNORECASE)
# HotSpot's function that calls that stub. Only C calls it.
_CALLS_JAVA = re.compile(r"JavaCalls::call_helper\b.*")

Stacks = tuple[tuple[Frame, ...], ...]


@dataclass(frozen=True)
class Interleaved:
    """One stack of a thread; or several, one for each language, and the reason `apart` why they could not be joined."""

    stacks: Stacks
    apart: str | None = None


def interleave(
    python: Sequence[PythonFrame],
    java: Sequence[JavaFrame],
    native: Sequence[PythonFrame | NativeFrame],
    top: Sequence[NativeFrame] = (),
) -> Interleaved:
    """Return the frames of a thread as one stack, or as several with a reason.

    `native` is pystack's stack, which contains the Python frames. `top` has the C frames that HotSpot saw; they are
    used if `native` is empty.
    """
    if native:
        return _with_native(python, java, _without_lost_end(native))
    java = _without_stubs(java)
    top = _before_java(top, java)
    merged, reason = _without_native(python, java)
    if merged is None:
        return _apart(reason, top, python, java)
    if not merged or _ends_in_python(top):
        return Interleaved(_not_empty([*top, *merged]))
    return _apart("HotSpot does not show which C frames Python's stand for", top, merged)


def _apart(reason: str | None, *stacks: Sequence[Frame]) -> Interleaved:
    found = _not_empty(*stacks)
    return Interleaved(found, reason if len(found) > 1 else None)


def _not_empty(*stacks: Sequence[Frame]) -> Stacks:
    return tuple(tuple(stack) for stack in stacks if stack)


def _without_stubs(java: Sequence[JavaFrame]) -> list[JavaFrame]:
    return [frame for frame in java if not _INTO_JAVA.fullmatch(frame.function)]


def _before_java(top: Sequence[NativeFrame], java: Sequence[JavaFrame]) -> list[NativeFrame]:
    """Return the C frames above the newest Java frame. HotSpot's list of C frames goes on with Java's and older C."""
    known = {frame.function for frame in java}
    return list(takewhile(lambda frame: frame.library is not None or frame.function not in known, top))


def _ends_in_python(top: Sequence[NativeFrame]) -> bool:
    """Return whether only the last frame may belong to the evaluation of a Python frame.

    If another frame does, C frames stand between Python frames, and it is unknown between which.
    """
    return not any(frame.function and _EVALUATION.match(frame.function) for frame in top[:-1])


def _with_native(
    python: Sequence[PythonFrame], java: Sequence[JavaFrame], native: Sequence[PythonFrame | NativeFrame]
) -> Interleaved:
    shown = [frame for frame in native if isinstance(frame, PythonFrame)]
    # Only as many as faulthandler has, which cuts a long stack at its old end. Lines are not compared, because a thread
    # may move within a function between the dump and pystack's look.
    if python and _calls(shown[: len(python)]) != _calls(python):
        return _beside(python, java, native)
    stretches = _stretches_of_calls(java) or _stretches(java, lambda frame: frame.native)
    gaps = _split(native, _nameless_in(native))
    if _count(gaps) != len(stretches):
        # pystack takes some compiled Java code for the code of the library beside it in memory, so a frame without a
        # name in a library without names may be Java's or not. Count only frames of no library, if that number fits.
        certain = _split(native, _is_of_no_library)
        gaps = certain if _count(certain) == len(stretches) else gaps
    count = _count(gaps)
    if count != len(stretches) and java:
        reason = f"Java shows {_counted(len(stretches), 'piece')} of a stack, the native stack has room for {count}"
        return _apart(reason, native, _without_stubs(java))
    # As many gaps as stretches: the first gap from the top is the first stretch.
    left = iter(stretches)
    frames: list[Frame] = []
    for nameless, members in gaps:
        frames += next(left, list(members)) if nameless else members
    return Interleaved(_not_empty(frames))


def _calls(frames: Sequence[PythonFrame]) -> list[tuple[str, str]]:
    return [(frame.file, frame.function) for frame in frames]


def _beside(
    python: Sequence[PythonFrame], java: Sequence[JavaFrame], native: Sequence[PythonFrame | NativeFrame]
) -> Interleaved:
    """Return the C frames as a stack of their own, because pystack's Python frames are not those of the dump."""
    java = _without_stubs(java)
    c_frames = [frame for frame in native if isinstance(frame, NativeFrame)]
    merged, _ = _without_native(python, java)
    rest = [python, java] if merged is None else [merged]
    moved = len(c_frames) < len(native)
    reason = "the thread moved between the dump and pystack's look" if moved else "pystack shows no frame of Python's"
    return _apart(reason, c_frames, *rest)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _without_lost_end(native: Sequence[PythonFrame | NativeFrame]) -> Sequence[PythonFrame | NativeFrame]:
    """Return the frames without an oldest one that is no frame, and would count as Java's.

    On aarch64 pystack's walk goes astray below HotSpot's call stub: its last frame has no name and no library, and the
    next newer one calls Java, so that only C can be there.
    """
    if len(native) < 2 or not _is_of_no_library(native[-1]):
        return native
    caller = native[-2]
    is_lost = isinstance(caller, NativeFrame) and _CALLS_JAVA.match(caller.function or "")
    return native[:-1] if is_lost else native


def _nameless_in(native: Sequence[PythonFrame | NativeFrame]) -> Callable[[PythonFrame | NativeFrame], bool]:
    """Return a function that tells whether a frame may be Java's own code.

    No symbol table has the names of Java's code. pystack takes some of it for the code of the library beside it in
    memory. So a frame without a name counts as Java's, unless its library has named frames, or is one that is known to
    be stripped.
    """
    named = {frame.library for frame in native if isinstance(frame, NativeFrame) and frame.function is not None}

    def is_java(frame: PythonFrame | NativeFrame) -> bool:
        if not isinstance(frame, NativeFrame) or frame.function is not None:
            return False
        library = frame.library
        return library is None or not (
            library in {*named, "libjvm.so"} or frame.is_pythons or _EXTENSION_MODULE.fullmatch(library)
        )

    return is_java


def _is_of_no_library(frame: PythonFrame | NativeFrame) -> bool:
    return isinstance(frame, NativeFrame) and frame.function is None and frame.library is None


def _count(gaps: Iterable[tuple[bool, object]]) -> int:
    return sum(nameless for nameless, _ in gaps)


def _split(
    frames: Iterable[PythonFrame | NativeFrame], key: Callable[[PythonFrame | NativeFrame], bool]
) -> list[tuple[bool, list[PythonFrame | NativeFrame]]]:
    return [(found, list(run)) for found, run in groupby(frames, key=key)]


def _stretches_of_calls(java: Sequence[JavaFrame]) -> list[list[Frame]]:
    """Return the stretches of Java frames, cut where HotSpot shows that C called Java; [] if it shows no such place."""
    found: list[list[Frame]] = []
    ended = True
    for frame in java:
        if ended:
            found.append([])
        ended = _INTO_JAVA.fullmatch(frame.function) is not None
        if not ended:
            found[-1].append(frame)
    return found if any(_INTO_JAVA.fullmatch(frame.function) for frame in java) else []


def _stretches(java: Sequence[JavaFrame], ends: Callable[[JavaFrame], bool]) -> list[list[Frame]]:
    """Return the stretches of Java frames, cut before each frame that `ends` accepts.

    Such a frame is the newest of its stretch: it called code that is not Java's, and that code called what is newer.
    """
    found: list[list[Frame]] = []
    for frame in java:
        if not found or ends(frame):
            found.append([])
        found[-1].append(frame)
    return found


def _without_native(python: Sequence[PythonFrame], java: Sequence[JavaFrame]) -> tuple[list[Frame] | None, str | None]:
    if not python or not java:
        return [*python, *java], None
    # Each entry of Java into Python begins a piece of Python's stack. One more piece is below all of Java's frames if
    # the thread is not Java's.
    entries = sum(map(_enters_python, java))
    from_java = _JAVA_BORN.match(java[-1].function) is not None
    if not entries and (from_java or not _waits_in_java(java[0])):
        return None, "no Java frame shows where Python was entered"
    pieces = _python_pieces(python, entries + (not from_java))
    if pieces is None:
        return None, f"Java enters Python {_counted(entries, 'time')}, and nothing tells where in Python's stack"
    return _alternating(pieces, _stretches(java, _enters_python), python_first=_enters_python(java[0])), None


def _waits_in_java(frame: JavaFrame) -> bool:
    return frame.native and _JDK.match(frame.function) is not None


def _enters_python(frame: JavaFrame) -> bool:
    return _INTO_PYTHON.fullmatch(frame.function) is not None


def _python_pieces(python: Sequence[PythonFrame], wanted: int) -> list[list[Frame]] | None:
    """Return Python's frames in `wanted` pieces, cut after each frame that Java calls; None if that is impossible.

    Only the frame of this plugin's own callback is known to be called by Java.
    """
    if wanted == 1:
        return [list(python)]
    pieces: list[list[Frame]] = [[]]
    for frame in python:
        pieces[-1].append(frame)
        if frame.function in ("__call__", "Callback.__call__") and _CALLBACK_FILE.search(frame.file):
            pieces.append([])
    pieces = [piece for piece in pieces if piece]
    return pieces if len(pieces) == wanted else None


def _alternating(python: list[list[Frame]], java: list[list[Frame]], *, python_first: bool) -> list[Frame]:
    first, second = (python, java) if python_first else (java, python)
    joined: list[Frame] = []
    for index in range(max(len(first), len(second))):
        for pieces in (first, second):
            joined += pieces[index] if index < len(pieces) else []
    return joined
