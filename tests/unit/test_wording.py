"""Threads, waits, motions and frames in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_foreignthread.model.stacks import Awaited, Frame, JavaFrame, Motion, NativeFrame, PythonFrame, Thread, Wait
from pytest_foreignthread.model.wording import called, frame_words, motion_words, wait_words


def thread(
    name: str | None = "pool-1-thread-1",
    native_id: int | None = 4300,
    python_id: int | None = 31,
    motion: Motion | None = None,
    seen: tuple[PythonFrame | JavaFrame, ...] = (),
) -> Thread:
    return Thread(name, native_id, python_id, False, (), motion=motion, seen=seen)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (thread(), '"pool-1-thread-1"'),
        (thread(name=None), "0x1f"),
        (thread(name=""), "0x1f"),
        (thread(name=None, python_id=None), "4300"),
        (thread(name=None, python_id=None, native_id=None), "without a name"),
        (replace(thread(), shares_name=True), '"pool-1-thread-1" (native id 4300)'),
        (replace(thread(native_id=None), shares_name=True), '"pool-1-thread-1"'),
    ],
)
def test_called(one: Thread, words: str) -> None:
    assert called(one) == words


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (Wait(Awaited.GIL, "the GIL"), "the GIL"),
        (Wait(Awaited.GIL, "the GIL", 1), 'the GIL, which "second" holds'),
        (Wait(Awaited.GIL, "the GIL", 2), 'the GIL, which "first" (native id 7) holds'),
        (Wait(Awaited.MONITOR, "the monitor of A <0x1>", 0), 'the monitor of A <0x1>, which "first" holds'),
        (Wait(Awaited.FUTURE, "FutureTask <0x1>", 1), 'FutureTask <0x1>, which "second" runs'),
        (Wait(Awaited.FUTURE, "FutureTask <0x1>"), "FutureTask <0x1>"),
    ],
)
def test_wait_words(wait: Wait, words: str) -> None:
    third = replace(thread("first", native_id=7), shares_name=True)
    assert wait_words(wait, [thread("first"), thread("second"), third]) == words


@pytest.mark.parametrize(
    ("motion", "seen", "words"),
    [
        (None, (), ""),
        (Motion.STILL, (), "did not move"),
        (Motion.RUNNING, (), "was running in the same frames"),
        (
            Motion.MOVING,
            (PythonFrame("/src/a.py", 3, "f"), JavaFrame("a.B.c", None, None)),
            "was moving: f (a.py:3), B.c",
        ),
    ],
)
def test_motion_words(motion: Motion | None, seen: tuple[PythonFrame | JavaFrame, ...], words: str) -> None:
    assert motion_words(thread(motion=motion, seen=seen)) == words


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (PythonFrame("/src/a.py", 3, "f"), "f (a.py:3)"),
        (PythonFrame("C:\\src\\a.py", None, "f"), "f (a.py)"),
        (JavaFrame("java.lang.Thread.run", "Thread.java", 840), "Thread.run (Thread.java:840)"),
        (JavaFrame("java.lang.Thread.run", None, None), "Thread.run"),
        (JavaFrame("run", None, None), "run"),
        (NativeFrame("libc.so.6", "memcpy", "+0x2"), "memcpy+0x2 (libc.so.6)"),
        (NativeFrame(None, "memcpy", ""), "memcpy"),
        (NativeFrame("libc.so.6", None, "+0x91"), "libc.so.6+0x91"),
        (NativeFrame(None, None, "+0x91"), "+0x91"),
        (NativeFrame(None, None, ""), "unknown code"),
    ],
)
def test_frame_words(frame: Frame, words: str) -> None:
    assert frame_words(frame) == words
