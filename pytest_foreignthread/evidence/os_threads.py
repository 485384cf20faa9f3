"""The text of `supervise.process.kernel_threads` → the threads of a process, one for each line."""

from __future__ import annotations

import re

from ..model.stacks import OsThread

_LINE = re.compile(
    r"(?P<id>[0-9]{1,18})\t(?P<state>[A-Za-z])\t(?P<cpu>[0-9]{1,12}(?:\.[0-9]{1,9})?)\t(?P<call>[^\t]*)\t(?P<name>.*)"
)
# /proc/PID/task/TID/syscall: `202 0x7f… 0x80 0x0 0x0 0x0 0x0 0xSP 0xPC`. `-1 0xSP 0xPC` outside of a system call, and
# `running` of a thread that runs, do not match.
_CALL = re.compile(r"(?P<number>[0-9]{1,9})(?P<values>(?: 0x[0-9a-f]{1,16}){8})")


def parse_os_threads(text: str) -> tuple[OsThread, ...]:
    """Return the threads of a text; () if it has none.

    A line has kernel id, state, CPU seconds, system call and name, with tabs between them. The system call is that of
    proc(5): its number, six arguments, stack pointer and program counter. A line of another form is skipped, and so is
    a last line without its newline.
    """
    found = (_LINE.fullmatch(line) for line in text.split("\n")[:-1])
    return tuple(_thread(line) for line in found if line is not None)


def _thread(line: re.Match[str]) -> OsThread:
    call = _CALL.fullmatch(line["call"])
    values = [int(value, 16) for value in call["values"].split()] if call is not None else []
    return OsThread(
        native_id=int(line["id"]),
        name=line["name"],
        state=line["state"],
        cpu_time=float(line["cpu"]),
        system_call=(int(call["number"]), *values[:6]) if call is not None else (),
        stack_pointer=values[6] if values else None,
    )
