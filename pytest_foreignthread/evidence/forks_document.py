"""The stacks of processes that a child has forked → processes with their threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..model.stacks import ForkedProcess
from .native_dump import parse_native_dump

_PROCESS: Final = re.compile(r"^# process ([0-9]{1,10}), ([0-9]{1,6}) threads, (.*)$", re.MULTILINE)


def parse_forks(text: str) -> tuple[ForkedProcess, ...]:
    """Return the processes in the order of the text; () for any other text."""
    return tuple(_processes(text))


def _processes(text: str) -> Iterator[ForkedProcess]:
    _, *parts = _PROCESS.split(text)
    for pid, number, name, stacks in zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
        yield ForkedProcess(int(pid), name, int(number), parse_native_dump(stacks))
