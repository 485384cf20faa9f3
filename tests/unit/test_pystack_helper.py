"""The C frames that are shown of a thread whose stacks pystack cannot merge."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

import pytest

from pytest_foreignthread.supervise.probes.pystack_helper import innermost_frames

types = pytest.importorskip("pystack.types")
PYTHON: Final = "/usr/bin/python3.14"
LIBC: Final = "/usr/lib/libc.so.6"


def frames_of(*frames: tuple[str, str]) -> list[str]:
    native = [types.NativeFrame(0, symbol, "", 0, 0, library) for symbol, library in frames]
    thread: Any = SimpleNamespace(native_frames=native, python_version=(3, 14))
    return [frame.symbol for frame in innermost_frames(thread, types.frame_type)]


@pytest.mark.parametrize(
    ("frames", "shown"),
    [
        ([("main", PYTHON), ("???", PYTHON), ("ffi_call", "libffi.so"), ("pause", LIBC)], ["ffi_call", "pause"]),
        # An interpreter with its symbols, and one that is a library.
        ([("_TAIL_CALL_CALL", PYTHON), ("time_sleep", PYTHON), ("pause", LIBC)], ["time_sleep", "pause"]),
        ([("???", "/usr/lib/libpython3.14.so.1.0"), ("pause", LIBC)], ["pause"]),
        # Python code that C code calls: what lies above its last frame may be Python's.
        (
            [("???", PYTHON), ("g", "x.so"), ("_PyEval_EvalFrameDefault", PYTHON), ("f", "x.so"), ("???", LIBC)],
            ["f", "???"],
        ),
        ([("???", PYTHON), ("PyObject_Call", PYTHON), ("f", "x.so")], ["f"]),
        ([("???", PYTHON)], []),
        # No Python code runs below these frames, as far as their names tell.
        ([("start_thread", LIBC), ("pause", LIBC)], []),
        ([], []),
    ],
)
def test_they_lie_below_the_last_python_frame(frames: list[tuple[str, str]], shown: list[str]) -> None:
    assert frames_of(*frames) == shown
