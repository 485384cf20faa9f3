"""The stacks of processes that a child has forked → processes with their threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..model.stacks import ForkedProcess
from .native_dump import parse_native_dump
from .os_threads import parse_os_threads

_PROCESS: Final = re.compile(r"^# process ([0-9]{1,10}) of ([0-9]{1,10})$", re.MULTILINE)


def parse_forks(text: str) -> tuple[ForkedProcess, ...]:
    """Return the processes in the order of the text; () for any other text."""
    return tuple(_processes(text))


def _processes(text: str) -> Iterator[ForkedProcess]:
    _, *parts = _PROCESS.split(text)
    for pid, parent, threads in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        yield ForkedProcess(int(pid), int(parent), parse_os_threads(threads), parse_native_dump(threads))
