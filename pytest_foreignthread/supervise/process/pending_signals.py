"""Signals that were sent and cannot arrive, in the text that `evidence.held_signals` reads."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Final

from ...model.settings import DUMP_SIGNAL
from . import processes

_FIELDS: Final = 5
_NO_EFFECT: Final = frozenset({signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT})
"""What they do by default is nothing to wait for."""

Sets = Mapping[str, int]
"""Signals as bits, by the field of /proc/PID/task/TID/status."""


def pending_signals(pid: int) -> str:
    """Return a line for each signal that waits at a thread of the process, at the process, or at one that it started.

    Empty where all that was sent has arrived, or nothing is shown of it.
    """
    lines = [line for one in (pid, *processes.descendants(pid)) for line in _of_process(one, is_child=one == pid)]
    return "".join(f"{line}\n" for line in lines)


def _of_process(pid: int, *, is_child: bool) -> Iterator[str]:
    names = processes.threads(pid)
    sets = {tid: found for tid in names if len(found := processes.signal_sets(pid, tid)) == _FIELDS}
    if not sets:
        return
    for tid, found in sets.items() if is_child else ():
        for number in _numbers(found["SigPnd"] & found["SigBlk"], found):
            yield _line(number, "thread", tid, names[tid])
    some = next(iter(sets.values()))
    pending = some["ShdPnd"]
    for found in sets.values():
        pending &= found["SigBlk"]
    for number in _numbers(pending, some):
        yield _line(number, "child" if is_child else "process", pid, names.get(pid, ""))


def _line(number: signal.Signals, what: str, ident: int, name: str) -> str:
    return "\t".join(["pending", number.name, what, str(ident), " ".join(name.splitlines())])


def _numbers(bits: int, sets: Sets) -> Iterator[signal.Signals]:
    """Yield those that would do something; the plugin's own are not the test's."""
    for number in signal.Signals:
        sent, caught = bits >> (number - 1) & 1, sets["SigCgt"] >> (number - 1) & 1
        ignored = sets["SigIgn"] >> (number - 1) & 1 or (number in _NO_EFFECT and not caught)
        if sent and not ignored and number != DUMP_SIGNAL:
            yield number
