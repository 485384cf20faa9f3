"""Looks from outside at a child that has passed its deadline, or that waits in its crash.

From outside, because nothing in the child can be relied on: a watchdog thread of Python's never runs while another
thread holds the GIL for ever.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import time
from collections.abc import Callable
from pathlib import Path

from ...model import documents
from ...model.observation import Taken
from ..process import processes
from ..process.kernel_threads import ThreadsError, kernel_threads
from ..process.pending_signals import pending_signals
from . import attach, native
from .forks import forks_of, stacks_of
from .pystack import Pystack
from .python_dump_request import DumpError, PythonDump

Taker = Callable[[float], str]
"""Returns the text of a document; takes the time on the monotonic clock at which to stop."""

HANG_BUDGET = 8.0
"""Seconds that all looks at a hang may take together. As a rule they take half a second; a busy machine needs more."""
CRASH_BUDGET = 10.0
"""Seconds for which a crash is held. As a rule pystack takes half a second; on a busy machine, or for a stack that is
8 MB deep, it takes several."""
# Seconds between two looks: a thread that runs gets somewhere in this time, a thread that is stuck does not.
_SPACING = 0.2


def take_documents(
    pid: int,
    traceback_file: Path,
    dump_signal: int,
    budget: float = HANG_BUDGET,
    native_choice: str = native.OFF,
    pystack: Pystack | None = None,
) -> Taken:
    """Look three times at a child that hangs, because one look cannot tell a slow test from a stuck one.

    Each look takes the documents `java_dump`, `python_hang` and `os_threads`; their names end in `_2` and `_3` in the
    second and third look. The document `native` comes from pystack, once, after the first look, as does `forks`, of
    processes that the child forked. A document that could not be taken is not tried again. All looks together take
    about `budget` seconds at most.

    The child must have called `faulthandler.register(dump_signal, file=...)` with `traceback_file` open for writing or
    appending.
    """
    # The first look has half of the time: its stacks are those that are reported. The later ones show what moved.
    began = time.monotonic()
    looks = _Looks(pid, traceback_file, dump_signal)
    looks.wake()
    looks.look("", began + 0.5 * budget)
    if native_choice != native.OFF:
        looks.take(documents.NATIVE, _native(pid, native_choice, pystack), began + 0.7 * budget)
        if forks := forks_of(pid):
            looks.take(documents.FORKS, _of_forks(forks, native_choice, pystack), began + 0.95 * budget)
    for suffix, part in (("_2", 0.9), ("_3", 1.0)):
        looks.pause(began + part * budget)
        looks.look(suffix, began + part * budget)
    return looks.documents, looks.missing


def take_crash(pid: int, native_choice: str, budget: float = CRASH_BUDGET, pystack: Pystack | None = None) -> Taken:
    """Take the documents `os_threads` and `native` of a child that waits in its crash, within `budget` seconds.

    Java and Python stacks are not asked for: the crashing thread has written Python's, and HotSpot's log has Java's.
    """
    give_up = time.monotonic() + budget
    taken = _Pieces()
    taken.take(documents.OS_THREADS, lambda _: kernel_threads(pid), give_up)
    taken.take(documents.NATIVE, _native(pid, native_choice, pystack), give_up)
    return taken.documents, taken.missing


def _native(pid: int, choice: str, pystack: Pystack | None) -> Taker:
    return lambda give_up: native.native_stacks(pid, give_up, choice, pystack)


def _of_forks(pids: list[int], choice: str, pystack: Pystack | None) -> Taker:
    def stacks(pid: int, give_up: float) -> str:
        return native.native_stacks(pid, give_up, choice, pystack)

    return lambda give_up: stacks_of(pids, give_up, stacks)


class _Pieces:
    """The documents that were taken so far, and why others could not be taken."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    def take(self, name: str, taker: Taker, give_up: float) -> bool:
        """Take a document; return whether that was possible. If not, `missing` has the reason."""
        try:
            self.documents[name] = taker(give_up)
        except (attach.AttachError, native.NativeError, ThreadsError, DumpError) as error:
            self.missing[name] = str(error)
            if isinstance(error, DumpError) and error.text:
                self.documents[name] = error.text
        return name not in self.missing


class _Looks(_Pieces):
    """Several looks at one process, with the documents of all of them."""

    def __init__(self, pid: int, file: Path, number: int) -> None:
        super().__init__()
        self._pid = pid
        self._new_dump = functools.partial(PythonDump, pid, file, number)
        self._dump = self._new_dump()
        self._looked_at = time.monotonic()
        self._takers: dict[str, Taker] = {
            documents.JAVA_DUMP: self._java_dump,
            documents.PYTHON_HANG: lambda give_up: self._dump.text(give_up),
            documents.OS_THREADS: lambda _: kernel_threads(pid) + pending_signals(pid),
        }

    def wake(self) -> None:
        """Continue a stopped process: stopped threads run neither faulthandler's handler nor HotSpot's answer."""
        stat = processes.stat(self._pid)
        if stat is not None and stat.stopped:
            # Ask before SIGCONT: the signal stays pending until the process goes on, and the handler then runs first.
            # So the stacks are those with which the process was stopped.
            with contextlib.suppress(DumpError):
                self._dump.ask()
            processes.kill_group(self._pid, signal.SIGCONT)

    def look(self, suffix: str, give_up: float) -> None:
        for name, taker in tuple(self._takers.items()):
            # A document that could not be taken would most likely cost its whole time again.
            if not self.take(name + suffix, taker, give_up):
                del self._takers[name]
        self._dump = self._new_dump()
        self._looked_at = time.monotonic()

    def _java_dump(self, give_up: float) -> str:
        # Leave time for Python's stacks: a JVM that reaches no safepoint never answers.
        now = time.monotonic()
        return attach.ask(self._pid, now + (give_up - now) * 0.75, "threaddump", "-l")

    def pause(self, give_up: float) -> None:
        """Wait between two looks; return at once if no document is left to take, or if the process ends."""
        now = time.monotonic()
        until = min(self._looked_at + _SPACING, now + (give_up - now) / 2)
        if self._takers and until > now:
            processes.wait_for_end(self._pid, until - now)
