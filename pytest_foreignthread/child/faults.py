"""Who answers for a fatal signal in the child: faulthandler before the JVM, HotSpot and faulthandler after it."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from typing import NoReturn

from ..interop.faulthandler_handlers import HOTSPOTS
from .native.held_crash import hold_crashes, let_go_of_crashes


class PythonStacks:
    """Writes the stacks of all Python threads: of a death to one file, those asked for by a signal to another."""

    def __init__(self, death_file: Path, asked_file: Path, signal_number: int) -> None:
        for path in (death_file, asked_file):
            # What a test of another child has put there may be a FIFO, whose other end nobody opens.
            path.unlink(missing_ok=True)
        self._death = death_file.open("xb", buffering=0)
        self._asked = asked_file.open("xb", buffering=0)
        self._signal = signal_number
        self._told: BaseException | None = None

    def arm(self) -> None:
        """From here on a fatal signal, and `signal_number`, are answered with the stacks. No core file is written."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.enable(self._death, all_threads=True)
        faulthandler.register(self._signal, self._asked, all_threads=True, chain=False)

    def answer_alone(self, *, hold: bool = False) -> None:
        """Answer also what is left to a JVM: none is to run here, be it that a fork has the handlers of one.

        With `hold` a thread that crashes waits for the supervisor to look at it.
        """
        faulthandler.disable()
        leave_to_hotspot()
        if hold:
            hold_crashes()
            os.register_at_fork(after_in_child=self._answer_in_fork)
        self.arm()

    def _answer_in_fork(self) -> None:
        faulthandler.disable()
        let_go_of_crashes()
        self.arm()

    def fileno(self) -> int:
        """Return the descriptor of the file for a death."""
        return self._death.fileno()

    def begin(self) -> None:
        """Forget what an earlier test of the child had written."""
        self._told = None
        self._death.truncate(0)
        self._death.seek(0)

    def write(self) -> None:
        faulthandler.dump_traceback(self._death, all_threads=True)

    def write_for(self, error: BaseException) -> None:
        """Write the stacks once for an exception: the first to ask is the thread that met it."""
        if self._told is not error:
            self._told = error
            self.write()

    @contextmanager
    def written_at_exit(self) -> Iterator[None]:
        """Let `os._exit`, which is no signal, leave the stacks as well."""
        leave, owner = os._exit, getpid()

        def write_and_leave(status: int) -> NoReturn:
            if getpid() == owner:
                self.write()
            leave(status)

        os._exit = write_and_leave
        try:
            yield
        finally:
            os._exit = leave


def leave_to_hotspot() -> None:
    """Call before the JVM starts.

    HotSpot chains to whatever handler it finds, so faulthandler's would come first and hs_err would not be written.
    With the default action in place HotSpot writes hs_err and calls abort() on the crashing thread, where
    faulthandler's SIGABRT handler, which stays, dumps the Python stacks.
    """
    for fatal in HOTSPOTS:
        signal.signal(fatal, signal.SIG_DFL)
