"""A thread of a child without a JVM that waits in its crash, as `child.native.held_crash` says."""

from __future__ import annotations

import contextlib
import itertools
import os
import platform
import re
import signal
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ...model.settings import HELD_SIGNALS, held_mask
from ..process import processes

# `pause` is a system call of its own on x86-64; elsewhere libc calls ppoll with nothing to wait for.
_PAUSES: Final = {"x86_64": ("34 ",), "aarch64": ("73 0x0 0x0 0x0 ",)}
_FRAMES: Final = 64 * 1024
"""Bytes of the stack in which the frames of the two handlers are: one takes 12 KB at most."""
# Linux's rt_sigframe: where the ucontext begins, from the beginning of the siginfo, and in it the stack pointer.
_UCONTEXT: Final = {"x86_64": -304, "aarch64": 128}
_STACK_POINTER: Final = {"x86_64": 40 + 15 * 8, "aarch64": 176 + 8 + 31 * 8}
_MOST_FLAGS: Final = 16
"""Values of a ucontext's flags, which are few bits."""
_KERNELS: Final = frozenset({1, 2, 3, 4, 5, 0x80})
"""si_code of a signal that the kernel sends for a fault; other processes and raise() have others."""
_NEAR: Final = 1024 * 1024
"""Bytes that the stack pointer may be below a stack that is full."""
_LINE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ *(.*)")


@dataclass(frozen=True)
class HeldThread:
    """Kernel ids, and the signal in whose handler the thread waits."""

    pid: int
    tid: int
    signal: int


class _Mapping(NamedTuple):
    """A line of /proc/PID/maps."""

    start: int
    end: int
    rights: str
    path: str


def held_thread(pid: int) -> HeldThread | None:
    """Return the thread that waits in its crash; None where none does."""
    signals = list(_fallen_back(pid))
    if not signals:
        return None
    tids = processes.threads(pid)
    return next((HeldThread(pid, tid, signals[0]) for tid in tids if _waits_in_handler(pid, tid)), None)


def _fallen_back(pid: int) -> Iterator[int]:
    """Yield the signals that nothing handles any more: the handler that waits was for once."""
    sets = processes.signal_sets(pid, pid)
    handled = sets.get("SigCgt", 0) | sets.get("SigIgn", 0)
    yield from (number for number in HELD_SIGNALS if not handled >> (number - 1) & 1)


def _waits_in_handler(pid: int, tid: int) -> bool:
    with contextlib.suppress(OSError, ValueError):
        call = _read(pid, tid, "syscall")
        blocked = re.search(r"^SigBlk:\s*([0-9a-f]+)$", _read(pid, tid, "status"), re.M)
        mask = held_mask()
        waits = call.startswith(_PAUSES.get(platform.machine(), ("",)))
        return waits and blocked is not None and int(blocked[1], 16) & mask == mask
    return False


def release(held: HeldThread) -> None:
    """Let the thread die of its signal."""
    processes.signal_thread(held.pid, held.tid, held.signal)


def crash_document(held: HeldThread) -> str:
    """Return what the kernel shows of the crash, in the text that `evidence.held_crash` reads."""
    lines = [f"signal: {signal.Signals(held.signal).name}", f"thread: {held.tid}"]
    mappings = list(_mappings(held.pid))
    with contextlib.suppress(OSError, ValueError, struct.error, IndexError):
        for address, (low, high) in itertools.islice(_faults(held, mappings), 1):
            lines += [f"address: {address:#x}", f"stack: {low:#x} {high:#x}"]
    lines += _main_stack(held.pid)
    lines += [f"library: {path}" for path in dict.fromkeys(one.path for one in mappings if one.path.startswith("/"))]
    return "\n".join(lines) + "\n"


def _main_stack(pid: int) -> list[str]:
    """Return the line on what the main thread's stack may grow to; none where that has no limit."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/limits", encoding="ascii", errors="replace") as file:
        found = re.search(r"^Max stack size +([0-9]+) ", file.read(), re.M)
        return [] if found is None else [f"main stack: {found[1]}"]
    return []


def _faults(held: HeldThread, mappings: Sequence[_Mapping]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield address and stack of each fault of the kernel's that is found among the frames of handlers.

    None for a signal that was sent: its siginfo has no address.
    """
    pointer = int(_read(held.pid, held.tid, "syscall").split()[-2], 16)
    memory = _memory(held.pid, pointer, _FRAMES)
    machine, wanted = platform.machine(), struct.pack("<ii", held.signal, 0)
    place = memory.find(wanted, max(0, -_UCONTEXT[machine]))
    while place >= 0:
        _, _, code, pad, address = struct.unpack_from("<iiiiQ", memory, place)
        context = place + _UCONTEXT[machine]
        flags, link = struct.unpack_from("<QQ", memory, context)
        (below,) = struct.unpack_from("<Q", memory, context + _STACK_POINTER[machine])
        stack = _stack_at(mappings, below)
        is_frame = place % 8 == pad == link == 0 and flags < _MOST_FLAGS
        if is_frame and code in _KERNELS and stack is not None:
            yield address, stack
        place = memory.find(wanted, place + 4)


def _memory(pid: int, start: int, size: int) -> bytes:
    """Return as much as there is of the memory."""
    descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces = []
        # A page at a time: the stack ends somewhere.
        for place in range(start, start + size, 4096):
            with contextlib.suppress(OSError):
                pieces.append(os.pread(descriptor, 4096, place))
                continue
            break
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _stack_at(mappings: Sequence[_Mapping], pointer: int) -> tuple[int, int] | None:
    """Return the mapping in which the stack pointer was, or the next one above where it was just below."""
    above = next((one for one in mappings if one.end > pointer and one.rights.startswith("rw")), None)
    return None if above is None or pointer < above.start - _NEAR else (above.start, above.end)


def _mappings(pid: int) -> Iterator[_Mapping]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as file:
        for line in file.read().decode("utf-8", "replace").splitlines():
            if found := _LINE.fullmatch(line):
                yield _Mapping(int(found[1], 16), int(found[2], 16), found[3], found[4])


def _read(pid: int, tid: int, name: str) -> str:
    with open(f"/proc/{pid}/task/{tid}/{name}", "rb") as file:
        return file.read().decode("utf-8", "replace")
