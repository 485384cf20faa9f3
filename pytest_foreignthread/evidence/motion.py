"""The movement of each thread between the looks at a hang: one look cannot tell a slow thread from a stuck one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..model.roles import waiting_call
from ..model.stacks import JavaFrame, JavaThread, Motion, OsThread, PythonFrame, PythonThread

_NOISE = 0.025
"""Seconds of processor time that the looks themselves may cost a thread: two ticks of 10 ms, and some reserve."""

Frames = tuple[PythonFrame, ...] | tuple[JavaFrame, ...]


@dataclass(frozen=True)
class Look:
    """The stacks of all threads at one moment, from three documents; a document that could not be taken is empty."""

    python: tuple[PythonThread, ...]
    java: tuple[JavaThread, ...]
    os: tuple[OsThread, ...]


@dataclass(frozen=True)
class Moves:
    """The movement of one thread, and, if it moved, the newest frame of each look."""

    motion: Motion
    seen: tuple[PythonFrame | JavaFrame, ...] = ()


@dataclass(frozen=True)
class Motions:
    """The movement of threads, by kernel id in Java and by ident in Python. A thread must be seen in every look."""

    java: Mapping[int, Moves] = field(default_factory=dict)
    python: Mapping[int, Moves] = field(default_factory=dict)
    kernel: Mapping[int, Moves] = field(default_factory=dict)
    """Of threads in one system call through all looks, and of those that used the processor; by kernel id."""

    def of(self, native_id: int | None, ident: int | None) -> Moves | None:
        """Return the livelier of a thread's movements in Java and in Python, or what the kernel shows of a C thread.

        Return None if nothing is known. While a thread runs Java code, its Python frames do not change.
        """
        in_java = self.java.get(native_id) if native_id is not None else None
        in_python = self.python.get(ident) if ident is not None else None
        order = [Motion.STILL, Motion.RUNNING, Motion.MOVING]
        in_c = self.kernel.get(native_id) if native_id is not None else None
        return max(filter(None, (in_java, in_python)), key=lambda moves: order.index(moves.motion), default=in_c)


def motions(looks: Sequence[Look]) -> Motions:
    """Return what each thread did between the looks; nothing if there were fewer than two."""
    if len(looks) < 2:
        return Motions()
    busy = _busy(looks)
    native_of = {thread.id: thread.native_id for thread in looks[0].python}
    java = [
        {thread.native_id: thread.frames for thread in look.java if thread.native_id is not None}
        for look in looks
        if look.java
    ]
    python = [{thread.id: _at_rest(thread.frames) for thread in look.python} for look in looks if look.python]
    return Motions(
        java=dict(_compared(java, busy)),
        python=dict(_compared(python, {ident for ident, native_id in native_of.items() if native_id in busy})),
        kernel=dict(_of_kernel(looks, busy)),
    )


def _at_rest(frames: tuple[PythonFrame, ...]) -> tuple[PythonFrame, ...]:
    """Leave out the frames and the line by which a call of this plugin's that waits differs from look to look.

    The call wakes up from time to time to see whether it has to end: that is no movement of the test.
    """
    place = waiting_call(frames)
    return frames if place is None else (replace(frames[place], line=None), *frames[place + 1 :])


def _busy(looks: Sequence[Look]) -> set[int]:
    times = [{thread.native_id: thread.cpu_time for thread in look.os} for look in looks]
    return {tid for tid, first in times[0].items() if times[-1].get(tid, first) - first > _NOISE}


def _of_kernel(looks: Sequence[Look], busy: set[int]) -> Iterator[tuple[int, Moves]]:
    calls = [{thread.native_id: thread.system_call for thread in look.os} for look in looks]
    for native_id, first in calls[0].items():
        if native_id in busy:
            yield native_id, Moves(Motion.RUNNING)
        elif first and all(look.get(native_id) == first for look in calls):
            yield native_id, Moves(Motion.STILL)


def _compared(looks: Sequence[Mapping[int, Frames]], busy: set[int]) -> Iterator[tuple[int, Moves]]:
    for key in looks[0] if len(looks) > 1 else ():
        stacks = [look[key] for look in looks if key in look]
        if len(stacks) == len(looks):
            yield key, _moves(stacks, key in busy)


def _moves(stacks: Sequence[Frames], busy: bool) -> Moves:
    if len(set(stacks)) > 1:
        return Moves(Motion.MOVING, tuple(dict.fromkeys(stack[0] for stack in stacks if stack)))
    return Moves(Motion.RUNNING if busy else Motion.STILL)
