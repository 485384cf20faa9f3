"""Frames in the failure text: their form, and what is folded."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_foreignthread.model.stacks import Frame, JavaFrame, NativeFrame, PythonFrame
from pytest_foreignthread.report.frame_text import frame_line, frame_lines

from .sample_records import CALLBACK, JAVA_RUN, THUNK

SHOWN_THUNK = '  (Python) File "/project/test_bridge.py", line 12, in thunk'


def native(function: str | None, library: str | None = "libjvm.so", offset: str = "") -> NativeFrame:
    return NativeFrame(library, function, offset)


def frame_of(function: str) -> PythonFrame:
    return PythonFrame("/project/test_bridge.py", 3, function)


def harness(package: str, count: int) -> list[PythonFrame]:
    return [PythonFrame(f"/lib/{package}/part.py", line, "step") for line in range(count)]


STEP = '  (Python) File "/lib/{}/part.py", line {}, in step'
WRITER = PythonFrame("/lib/pytest_foreignthread/child/faults.py", 70, "write")
MAPPED = [
    native("a", "libpython3.11.so.1.0"),
    native("b", "_ctypes.cpython-311-x86_64-linux-gnu.so"),
    native("c", "_jpype.abi3.so"),
    native("d", "libjvm.so"),
    native("e", None),
]
FOLDS: dict[str, tuple[list[Frame], list[str]]] = {
    "the harness, but not the innermost frame": (
        [*harness("_pytest", 4), *harness("pluggy", 3), *harness("pytest_foreignthread", 2), THUNK],
        [STEP.format("_pytest", 0), "  (8 frames of pytest and this plugin)", SHOWN_THUNK],
    ),
    "few frames of the harness": (
        [THUNK, *harness("_pytest", 2)],
        [SHOWN_THUNK, STEP.format("_pytest", 0), STEP.format("_pytest", 1)],
    ),
    "C frames within the harness": (
        [THUNK, *harness("pluggy", 1), native("f"), CALLBACK, native("g")],
        [SHOWN_THUNK, "  (4 frames of pytest and this plugin)"],
    ),
    "C frames between the test's own": (
        [THUNK, native("f"), native("g"), native("h"), THUNK],
        [SHOWN_THUNK, "  (3 C frames of libjvm)", SHOWN_THUNK],
    ),
    "few C frames": (
        [THUNK, native("f"), native("g"), THUNK],
        [SHOWN_THUNK, "  (C)      f (libjvm.so)", "  (C)      g (libjvm.so)", SHOWN_THUNK],
    ),
    "C frames on top that a stripped library does not name": (
        [native("wait", "libc.so.6"), *[native(None, "python3.11")] * 3, THUNK],
        ["  (C)      wait (libc.so.6)", "  (C)      python3.11", SHOWN_THUNK],
    ),
    "C frames without a name, of two libraries": (
        [native(None, "libffi.so.8"), native(None, "libffi.so.8"), native(None, None), native("f"), THUNK],
        ["  (C)      libffi.so.8", "  (C)      unknown code", "  (C)      f (libjvm.so)", SHOWN_THUNK],
    ),
    "C frames of several libraries": (
        [THUNK, *MAPPED],
        [SHOWN_THUNK, "  (5 C frames of libpython3.11, _ctypes, _jpype, libjvm)"],
    ),
    "C frames of many libraries": (
        [THUNK, *MAPPED, native("f", "libffi.so.8"), native("g", "libc.so.6")],
        [SHOWN_THUNK, "  (7 C frames of libpython3.11, _ctypes, _jpype, libjvm and 2 more)"],
    ),
    "C frames of no known library": (
        [THUNK, *[native("e", None)] * 3],
        [SHOWN_THUNK, "  (3 C frames of unknown code)"],
    ),
    "C frames on top, but for four": (
        [native("a"), native("b"), native("c"), native("d"), native("e"), native("f"), native("g"), THUNK],
        [*(f"  (C)      {name} (libjvm.so)" for name in "abcd"), "  (3 C frames of libjvm)", SHOWN_THUNK],
    ),
    "how glibc waits": (
        [native("__futex_abstimed_wait_common64"), native("pthread_cond_wait@@GLIBC_2.3.2"), native("nap"), THUNK],
        ["  (C)      pthread_cond_wait@@GLIBC_2.3.2 (libjvm.so)", "  (C)      nap (libjvm.so)", SHOWN_THUNK],
    ),
    "who writes the stacks": ([WRITER, THUNK], [SHOWN_THUNK]),
    "nothing but who writes the stacks": ([WRITER], [frame_line(WRITER)]),
    "what Java hides": (
        [JAVA_RUN, JavaFrame("java.lang.invoke.LambdaForm$MH.invoke", None, None), JAVA_RUN],
        [
            frame_line(JAVA_RUN),
            "  (1 hidden frame of HotSpot and method handles)",
            frame_line(JAVA_RUN),
        ],
    ),
    "what Java hides, on top": (
        [JavaFrame("~StubRoutines::call_stub", None, None), JavaFrame("java.lang.invoke.Invokers.check", None, None)],
        ["  (2 hidden frames of HotSpot and method handles)"],
    ),
    "three equal frames": ([THUNK] * 3, [SHOWN_THUNK] * 3),
    "a recursion": ([THUNK] * 4, [SHOWN_THUNK, "  (the same frame 3 more times)"]),
    "a recursion further out": (
        [frame_of("f"), *[THUNK] * 100],
        [frame_line(frame_of("f")), SHOWN_THUNK, "  (the same frame 99 more times)"],
    ),
}


@pytest.mark.parametrize(("frames", "shown"), FOLDS.values(), ids=FOLDS)
def test_folding(frames: list[Frame], shown: list[str]) -> None:
    assert list(frame_lines(frames)) == shown


@pytest.mark.parametrize("frames", [case[0] for name, case in FOLDS.items() if "recursion" not in name])
def test_whole_folds_nothing(frames: list[Frame]) -> None:
    assert list(frame_lines(frames, whole=True)) == [frame_line(frame) for frame in frames]


ROUND: Final[list[Frame]] = [THUNK, native("a"), native("b"), native("c")]


def test_rounds_of_a_recursion_are_counted() -> None:
    assert list(frame_lines([native("top"), *ROUND * 50, JAVA_RUN])) == [
        "  (C)      top (libjvm.so)",
        SHOWN_THUNK,
        "  (3 C frames of libjvm)",
        "  (the same 2 lines 49 more times)",
        frame_line(JAVA_RUN),
    ]
    assert list(frame_lines(ROUND * 50, whole=True)) == [
        *map(frame_line, ROUND),
        "  (the same 4 lines 49 more times)",
    ]


def test_a_few_rounds_are_shown() -> None:
    assert list(frame_lines(ROUND * 3, whole=True)) == [*map(frame_line, ROUND * 3)]


FRAME_LINES: dict[str, Frame] = {
    '  (Python) File "x.py", in f': PythonFrame("x.py", None, "f"),
    '  (Python) File "x.py", line 3, in f': PythonFrame("x.py", 3, "f"),
    "  (Java)   at a.B.c(B.java:3)": JavaFrame("a.B.c", "B.java", 3),
    "  (Java)   at a.B.c(B.java)": JavaFrame("a.B.c", "B.java", None),
    "  (Java)   at a.B.c(Native Method)": JavaFrame("a.B.c", None, None, native=True),
    "  (Java)   at a.B.c": JavaFrame("a.B.c", None, None),
    "  (C)      f+0x3b (libc.so.6)": NativeFrame("libc.so.6", "f", "+0x3b"),
    "  (C)      f+0x3b": NativeFrame(None, "f", "+0x3b"),
    "  (C)      libc.so.6+0x3b": NativeFrame("libc.so.6", None, "+0x3b"),
    "  (C)      +0x3b": NativeFrame(None, None, "+0x3b"),
    "  (C)      unknown code": NativeFrame(None, None, ""),
}


@pytest.mark.parametrize(("line", "frame"), FRAME_LINES.items())
def test_a_frame_has_the_tag_of_its_language(line: str, frame: Frame) -> None:
    assert frame_line(frame) == line
