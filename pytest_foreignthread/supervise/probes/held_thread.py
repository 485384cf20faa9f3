"""The threads of a child without a JVM that wait in their crash.

`child.native.held_crash` describes the child's side: libc's `pause` is the handler below faulthandler's, so a thread
that has crashed waits in `pause`, on the stack on which it crashed. Here the supervisor finds that thread in /proc, and
reads the address of the fault, and that of the code that met it, from the frame that the kernel put on that stack for
the handler.
"""

from __future__ import annotations

import contextlib
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
from .elf_symbols import function_at

# The start of /proc/PID/task/TID/syscall: number and arguments. `pause` is a system call of its own on x86-64; on
# aarch64 libc calls ppoll with nothing to wait for.
_PAUSES: Final = {"x86_64": ("34 ",), "aarch64": ("73 0x0 0x0 0x0 ",)}
_LARGEST: Final = 16 * 1024
"""Bytes: a frame takes up to 12 KB, with the largest set of vector registers."""
_FRAMES: Final = 4 * _LARGEST
"""Bytes of the stack that are searched for the frames of faulthandler's handler and `pause`."""
# Linux's rt_sigframe: the offset of the ucontext from the siginfo, and the offset of registers in the ucontext.
_UCONTEXT: Final = {"x86_64": -304, "aarch64": 128}
_STACK_POINTER: Final = {"x86_64": 40 + 15 * 8, "aarch64": 176 + 8 + 31 * 8}
# On both the program counter is the next register.
_PROGRAM_COUNTER: Final = {machine: offset + 8 for machine, offset in _STACK_POINTER.items()}
# The general registers in the ucontext, as the kernel keeps them in order. Only on x86-64 has a fault no address if its
# pointer is none that memory can have; on aarch64 the siginfo has such a pointer.
_REGISTERS: Final = {"x86_64": (40, 16)}
_SIGINFO: Final = 24
"""The bytes of a siginfo that are read: up to the address."""
_NO_ADDRESS: Final = 0x80
"""The si_code SI_KERNEL."""
_MOST_FLAGS: Final = 16
"""A ucontext's flags are less than this: only the lowest few bits are in use."""
_KERNELS: Final = frozenset({*range(1, 9), 0x80})
"""The si_code values of signals that the kernel sends for a fault."""
_LOWEST_SENT: Final = -64
"""The si_code values from this one to 0 are those of kill(), raise(), sigqueue() and the like."""
_RAISED: Final = -6
"""The si_code SI_TKILL: that of raise(), by which faulthandler passes a signal on to `pause`."""
_SS_DISABLE: Final = 2
"""The flag of a thread that has no alternate stack."""
_NEAR: Final = 1024 * 1024
"""Bytes that the stack pointer may be below the mapping of a stack that is full: a frame may be as large."""
_LINE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \S+ *(.*)")


@dataclass(frozen=True)
class HeldThread:
    """A thread that waits in its crash: its process's and its own kernel id, and the signal whose handler it is in."""

    pid: int
    tid: int
    signal: int
    others: tuple[int, ...] = ()
    """The kernel ids of the other threads of the process that wait in their crash."""
    has_written: bool = True
    """Whether faulthandler has written for this thread. If not, another thread may be about to write."""


class Mapping(NamedTuple):
    """A line of /proc/PID/maps."""

    start: int
    end: int
    rights: str
    path: str
    offset: int = 0
    """The place of the file at which the mapping starts."""


def held_thread(pid: int, first: int | None = None) -> HeldThread | None:
    """Return the thread of a process that waits in its crash; None if none does.

    If several do, it is that of which faulthandler has written: of each signal faulthandler writes for the first thread
    only. `first` is the signal that faulthandler has met first, if that is known.
    """
    found = sorted((number != first, not raised, tid, number) for tid, number, raised in _held(pid))
    if not found:
        return None
    (_, late, tid, number), *others = found
    return HeldThread(pid, tid, number, tuple(one for _, _, one, _ in others), has_written=not late)


def has_held_thread(pid: int) -> bool:
    """Return whether a thread of a process waits in its crash."""
    return any(True for _ in _held(pid))


def _held(pid: int) -> Iterator[tuple[int, int, bool]]:
    """Yield the kernel id, the signal, and whether that was raised, of each thread that waits in its crash.

    faulthandler raises the signal again. A test's own call of pause() is in the handler of no such signal.
    """
    with contextlib.suppress(OSError):
        for tid in map(int, os.listdir(f"/proc/{pid}/task")):
            if _waits_in_pause(pid, tid) and (signaled := _signal_of(pid, tid)) is not None:
                yield tid, *signaled


def _signal_of(pid: int, tid: int) -> tuple[int, bool] | None:
    """Return the signal of the handler that a thread is in, and whether it was raised; None if it is in no handler."""
    context = _UCONTEXT.get(platform.machine())
    with contextlib.suppress(OSError, ValueError, struct.error, IndexError):
        start, memory = _handlers_memory(pid, tid)
        found = (
            (place, number, code)
            for number in HELD_SIGNALS
            for place, code, _ in _siginfos(memory, number, max(0, -(context or 0)))
            if (code == _RAISED if context is None else _is_ucontext(memory, place + context, start + place + context))
        )
        # The innermost one: it is of the handler `pause`, or of one that has called `pause`.
        _, number, code = min(found)
        return number, code == _RAISED
    return None


def _handlers_memory(pid: int, tid: int) -> tuple[int, bytes]:
    """Return the part of a thread's stack in which the frames of handlers lie, with its address; innermost first."""
    # The stack pointer is the last field but one; the handler's frames lie above it.
    start = int(_read(pid, tid, "syscall").split()[-2], 16)
    return start, _memory(pid, start, _FRAMES)


def _waits_in_pause(pid: int, tid: int) -> bool:
    with contextlib.suppress(OSError):
        # Only the handler blocks this set of signals.
        if _read(pid, tid, "syscall").startswith(_PAUSES.get(platform.machine(), ("",))):
            mask = held_mask()
            return processes.signal_sets(pid, tid).get("SigBlk", 0) & mask == mask
    return False


def crash_document(held: HeldThread) -> str:
    """Return what the kernel shows of the crash, as text for `evidence.held_crash`."""
    lines = [f"signal: {signal.Signals(held.signal).name}", f"thread: {held.tid}"]
    lines += [f"also: {tid}" for tid in held.others]
    mappings = list(_mappings(held.pid))
    with contextlib.suppress(OSError, ValueError, struct.error, IndexError):
        start, memory = _handlers_memory(held.pid, held.tid)
        # abort() sends its signal, which says nothing.
        if held.signal != signal.SIGABRT:
            lines += signal_lines(memory, start, held.signal, mappings)
    lines += _main_stack(held.pid)
    lines += [f"library: {path}" for path in dict.fromkeys(one.path for one in mappings if one.path.startswith("/"))]
    return "\n".join(lines) + "\n"


def _main_stack(pid: int) -> list[str]:
    """Return the line on what the main thread's stack may grow to; none if the stack has no limit."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/limits", encoding="ascii", errors="replace") as file:
        found = re.search(r"^Max stack size +([0-9]+) ", file.read(), re.M)
        return [] if found is None else [f"main stack: {found[1]}"]
    return []


def signal_lines(memory: bytes, start: int, number: int, mappings: Sequence[Mapping]) -> list[str]:
    """Return the lines on a signal that the frames of its handlers tell; none if `memory` has no such frame.

    `memory` is the part of the stack that begins at `start`. The lines say that the signal was sent, or where the fault
    was, the bounds of the thread's stack, which code met the fault, and the registers if the kernel names no address.

    If the first frame tells of raise(), the next decides: faulthandler's handler may have raised the signal again. If
    faulthandler's handler itself has faulted, the fault before that decides.
    """
    machine = platform.machine()
    if machine not in _UCONTEXT:
        # The kernel's frame is not known here: the crash has a signal and no address.
        return []
    passed_on = False
    fault: list[str] = []
    at = 0
    for place, code, address in _siginfos(memory, number, max(0, -_UCONTEXT[machine])):
        context = place + _UCONTEXT[machine]
        if not _is_ucontext(memory, context, start + context):
            continue
        (below,) = struct.unpack_from("<Q", memory, context + _STACK_POINTER[machine])
        if (stack := _stack_at(mappings, below)) is None:
            continue
        if fault and not start <= at < start + place:
            # The fault was not in a handler of the signal of this frame.
            return fault
        at, fault = below, []
        if code not in _KERNELS:
            if code != _RAISED or passed_on:
                return ["sent: yes"]
            passed_on = True
            continue
        offset, number_of_registers = _REGISTERS.get(machine, (0, 0)) if code == _NO_ADDRESS else (0, 0)
        registers = struct.unpack_from(f"<{number_of_registers}Q", memory, context + offset)
        (counter,) = struct.unpack_from("<Q", memory, context + _PROGRAM_COUNTER[machine])
        fault = [f"address: {address:#x}", f"stack: {stack[0]:#x} {stack[1]:#x}", *_code_lines(counter, mappings)]
        fault += [f"registers: {' '.join(map(hex, registers))}"] if registers else []
    return fault or (["sent: yes"] if passed_on else [])


def _code_lines(counter: int, mappings: Sequence[Mapping]) -> list[str]:
    """Return the lines on the code at a program counter: the file that it is of, and the function if that is known."""
    lines = [f"code: {counter:#x}"]
    at = next((one for one in mappings if one.start <= counter < one.end and "x" in one.rights), None)
    path = at.path if at is not None and at.path.startswith("/") else None
    # A process may have mapped the file twice: the nearest start of the file is that of this code.
    starts = [one.start for one in mappings if one.path == path and one.start <= counter and one.offset == 0]
    if path is None or not starts:
        return lines
    base = max(starts)
    lines.append(f"code file: {counter - base:#x} {path}")
    with contextlib.suppress(OSError, struct.error, ValueError, OverflowError):
        if (function := function_at(path, counter, base)) is not None:
            lines.append(f"code function: {function.offset:#x} {function.name}")
    return lines


def _siginfos(memory: bytes, number: int, first: int) -> Iterator[tuple[int, int, int]]:
    """Yield the place, the si_code and the si_addr of all that looks like the siginfo of a signal."""
    # A siginfo begins with the signal and an errno of 0; it is aligned, and its padding is 0.
    wanted = struct.pack("<ii", number, 0)
    place = memory.find(wanted, first)
    while 0 <= place <= len(memory) - _SIGINFO:
        _, _, code, pad, address = struct.unpack_from("<iiiiQ", memory, place)
        if place % 8 == pad == 0 and (code in _KERNELS or _LOWEST_SENT <= code <= 0):
            yield place, code, address
        place = memory.find(wanted, place + 4)


def _is_ucontext(memory: bytes, context: int, address: int) -> bool:
    """Return whether a ucontext is at a place of `memory`: no successor, few flags, and in the place for its thread.

    The kernel writes which alternate stack the thread has. If it has one, the frame lies on it; if not, the frame lies
    right below what the thread had on its stack.
    """
    if len(memory) < context + _PROGRAM_COUNTER[platform.machine()] + 8:
        return False
    flags, link, low, _, size = struct.unpack_from("<QQQQQ", memory, context)
    (disabled,) = struct.unpack_from("<i", memory, context + 24)
    on_alternate: bool = low <= address < low + size
    (pointer,) = struct.unpack_from("<Q", memory, context + _STACK_POINTER[platform.machine()])
    on_stack: bool = disabled == _SS_DISABLE and low == size == 0 and address < pointer < address + _LARGEST
    return link == 0 and flags < _MOST_FLAGS and (on_alternate or on_stack)


def _memory(pid: int, start: int, size: int) -> bytes:
    """Return `size` bytes of a process's memory, fewer if the mapping ends before."""
    pieces = []
    with processes.opened(f"/proc/{pid}/mem") as descriptor:
        # A page at a time: a read that crosses the end of the stack fails as a whole.
        for place in range(start, start + size, 4096):
            with contextlib.suppress(OSError):
                pieces.append(os.pread(descriptor, 4096, place))
                continue
            break
    return b"".join(pieces)


def _stack_at(mappings: Sequence[Mapping], pointer: int) -> tuple[int, int] | None:
    """Return the bounds of the mapping that the stack pointer was in, or just below; None if there is no such mapping.

    A stack that is full faults because the stack pointer has left it at its lower end.
    """
    above = next((one for one in mappings if one.end > pointer and one.rights.startswith("rw")), None)
    return None if above is None or pointer < above.start - _NEAR else (above.start, above.end)


def _mappings(pid: int) -> Iterator[Mapping]:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as file:
        for line in file.read().decode("utf-8", "replace").splitlines():
            if found := _LINE.fullmatch(line):
                yield Mapping(int(found[1], 16), int(found[2], 16), found[3], found[5], int(found[4], 16))


def _read(pid: int, tid: int, name: str) -> str:
    with open(f"/proc/{pid}/task/{tid}/{name}", "rb") as file:
        return file.read().decode("utf-8", "replace")
