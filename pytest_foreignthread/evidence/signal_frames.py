"""The frames of signal handlers on a stack, and those of the code that the signal interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..model.stacks import NativeFrame, PythonFrame

_TRAMPOLINES: Final = ("__restore_rt", "__kernel_rt_sigreturn")
"""The functions to which a signal handler returns, glibc's and the kernel's."""
_HANDLERS: Final = 24
"""The most frames that two nested handlers take: a further trampoline belongs to an earlier signal."""


def before_the_signal(frames: Sequence[PythonFrame | NativeFrame]) -> Sequence[PythonFrame | NativeFrame]:
    """Return the frames of the code that a signal interrupted, without those of the signal's handlers.

    In a child without a JVM there are two handlers: faulthandler's, and `pause`, in which the thread waits.
    """
    names = [frame.function for frame in frames]
    first = next((place for place, name in enumerate(names) if name in _TRAMPOLINES), None)
    if first is None:
        return frames
    last = max(place for place, name in enumerate(names[: first + _HANDLERS]) if name in _TRAMPOLINES)
    waits = any(name in ("pause", "__libc_pause", "ppoll", "__GI_ppoll") for name in names[:first])
    return frames[(last if waits else first) + 1 :]
