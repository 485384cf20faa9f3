"""The frames of a signal's handlers, and those of the code that the signal came upon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..model.stacks import NativeFrame, PythonFrame

_TRAMPOLINES: Final = ("__restore_rt", "__kernel_rt_sigreturn")
"""The function to which a signal handler returns, of glibc and of the kernel."""
_HANDLERS: Final = 24
"""Frames that two handlers have at most, one below the other."""


def before_the_signal(frames: Sequence[PythonFrame | NativeFrame]) -> Sequence[PythonFrame | NativeFrame]:
    """Leave out the frames of signal handlers, which told of the crash: what matters is where the signal came.

    In a child without a JVM there are two: faulthandler's, and the one by which the thread waits.
    """
    names = [frame.function for frame in frames]
    first = next((place for place, name in enumerate(names) if name in _TRAMPOLINES), None)
    if first is None:
        return frames
    last = max(place for place, name in enumerate(names[: first + _HANDLERS]) if name in _TRAMPOLINES)
    waits = any(name in ("pause", "__libc_pause", "ppoll", "__GI_ppoll") for name in names[:first])
    return frames[(last if waits else first) + 1 :]
