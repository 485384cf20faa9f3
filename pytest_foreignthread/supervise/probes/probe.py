"""Take the stacks of a child that passed its deadline, or that HotSpot holds in its crash, from outside."""

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
from . import attach, native
from .forks_with_jvm import forked_jvms, stacks_of
from .pystack import Pystack
from .python_dump_request import DumpError, PythonDump

Taker = Callable[[float], str]
"""Gives a document's text, at most until a time on the monotonic clock."""

HANG_BUDGET = 8.0
"""Seconds that the looks at a hang may take together; half a second as a rule, much more on a machine under load."""
CRASH_BUDGET = 2.0
"""Seconds for which HotSpot's crash is held."""
LONG_CRASH_BUDGET = 6.0
"""Seconds for which a crash without a JVM is held: there a stack may have 8 MB of frames, a Java thread's has 1 MB."""
_SPACING = 0.2


def take_documents(
    pid: int,
    traceback_file: Path,
    dump_signal: int,
    budget: float = HANG_BUDGET,
    native_choice: str = native.OFF,
    pystack: Pystack | None = None,
) -> Taken:
    """Look three times at a child that hangs; takes `budget` seconds at most, and a moment for each piece.

    Each look takes `java_dump`, `python_hang` and `os_threads`, whose names end in `_2` and `_3` from the second on;
    pystack's `native` is taken after the first, and `forked_jvm` of processes that the child forked with its JVM. What
    could not be taken once is not asked for again. The child has to have called
    `faulthandler.register(dump_signal, file=…)` with `traceback_file` opened for appending or writing.
    """
    began = time.monotonic()
    looks = _Looks(pid, traceback_file, dump_signal)
    looks.wake()
    looks.look("", began + 0.5 * budget)
    if native_choice != native.OFF:
        looks.take(documents.NATIVE, _native(pid, native_choice, pystack), began + 0.7 * budget)
        if forks := forked_jvms(pid):
            looks.take(documents.FORKED_JVM, _of_forks(forks, native_choice, pystack), began + 0.95 * budget)
    for suffix, part in (("_2", 0.9), ("_3", 1.0)):
        looks.pause(began + part * budget)
        looks.look(suffix, began + part * budget)
    return looks.documents, looks.missing


def take_crash(pid: int, native_choice: str, budget: float = CRASH_BUDGET, pystack: Pystack | None = None) -> Taken:
    """Look at a child that waits in its crash: `os_threads` and `native`; `budget` seconds at most."""
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
    """The documents taken so far."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    def take(self, name: str, taker: Taker, give_up: float) -> bool:
        """Whether the document could be taken; if not, its reason stands in `missing`."""
        try:
            self.documents[name] = taker(give_up)
        except (attach.AttachError, native.NativeError, ThreadsError, DumpError) as error:
            self.missing[name] = str(error)
            if isinstance(error, DumpError) and error.text:
                self.documents[name] = error.text
        return name not in self.missing


class _Looks(_Pieces):
    """Several looks at one process."""

    def __init__(self, pid: int, file: Path, number: int) -> None:
        super().__init__()
        self._pid = pid
        self._new_dump = functools.partial(PythonDump, pid, file, number)
        self._dump = self._new_dump()
        self._looked_at = time.monotonic()
        self._takers: dict[str, Taker] = {
            documents.JAVA_DUMP: self._java_dump,
            documents.PYTHON_HANG: lambda give_up: self._dump.text(give_up),
            documents.OS_THREADS: lambda _: kernel_threads(pid),
        }

    def wake(self) -> None:
        """Let a stopped process go on, so that it can answer."""
        stat = processes.stat(self._pid)
        if stat is not None and stat.stopped:
            # The signal stays pending until the process goes on, so the stacks are those it was stopped with.
            with contextlib.suppress(DumpError):
                self._dump.ask()
            processes.kill_group(self._pid, signal.SIGCONT)

    def look(self, suffix: str, give_up: float) -> None:
        for name, taker in tuple(self._takers.items()):
            if not self.take(name + suffix, taker, give_up):
                del self._takers[name]
        self._dump = self._new_dump()
        self._looked_at = time.monotonic()

    def _java_dump(self, give_up: float) -> str:
        # Python's stacks need some of the time as well.
        now = time.monotonic()
        return attach.ask(self._pid, now + (give_up - now) * 0.75, "threaddump", "-l")

    def pause(self, give_up: float) -> None:
        """Let time pass between two looks, but none where there is nothing to look at."""
        now = time.monotonic()
        until = min(self._looked_at + _SPACING, now + (give_up - now) / 2)
        if self._takers and until > now:
            processes.wait_for_end(self._pid, until - now)
