"""The handlers of fatal signals in the child: faulthandler before the JVM starts, then HotSpot and faulthandler."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import getpid
from pathlib import Path
from typing import BinaryIO, NoReturn

from ..channel.descriptor import Descriptor
from ..interop.faulthandler_handlers import HOTSPOTS
from ..model.fault_signals import FATAL
from ..supervise.process.fork import moved_up
from .native.held_crash import hold_crashes, let_go_of_crashes

_FATAL = FATAL.encode()


class PythonStacks:
    """Writes the stacks of all Python threads: at death to one file, at a requested signal to another."""

    def __init__(self, death_file: Path, asked_file: Path, signal_number: int) -> None:
        self._death, self._asked = _new_file(death_file), _new_file(asked_file)
        self._descriptors = [Descriptor(file.fileno()) for file in (self._death, self._asked)]
        self._signal = signal_number
        self._written_for: BaseException | None = None

    def arm(self) -> None:
        """Install faulthandler for fatal signals and for `signal_number`; forbid core files.

        A core file would be left behind in the current directory.
        """
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        faulthandler.enable(self._death, all_threads=True)
        faulthandler.register(self._signal, self._asked, all_threads=True, chain=False)

    def arm_without_jvm(self, *, hold: bool = False) -> None:
        """Install faulthandler in a process without a JVM, also for the signals that are HotSpot's elsewhere.

        A fork may have inherited HotSpot's handlers from a parent with a JVM, so all handlers are reset first. With
        `hold`, a thread that crashes waits until the supervisor has looked at the thread.
        """
        faulthandler.disable()
        leave_to_hotspot()
        if hold:
            hold_crashes()
            # No supervisor looks at a process that the test forks: a crash there would wait forever.
            os.register_at_fork(after_in_child=self._arm_in_fork)
        self.arm()

    def _arm_in_fork(self) -> None:
        faulthandler.disable()
        let_go_of_crashes()
        self.arm()

    def fileno(self) -> int:
        """Return the descriptor of the file for the stacks at death."""
        return self._death.fileno()

    def begin(self) -> None:
        """Empty the file for a new test of this child."""
        self._written_for = None
        if self.stand:
            self._death.truncate(0)
            self._death.seek(0)

    @property
    def stand(self) -> bool:
        """Whether both files are open: a test may have closed them, and their descriptors may be other files' now."""
        return all(one.stands for one in self._descriptors)

    @property
    def have_fatal_error(self) -> bool:
        """Whether faulthandler writes, or has written, for a fatal signal."""
        return self.stand and os.pread(self._death.fileno(), len(_FATAL), 0) == _FATAL

    def write(self) -> None:
        """Write the stacks of all Python threads to the file for a death."""
        if self.stand:
            faulthandler.dump_traceback(self._death, all_threads=True)

    def write_for(self, error: BaseException) -> None:
        """Write the stacks for an exception, unless they were written for this exception before.

        The first call comes from the thread that met the exception, so its stacks show the cause.
        """
        if self._written_for is not error:
            self._written_for = error
            self.write()

    @contextmanager
    def written_at_exit(self, before: Callable[[], object] = lambda: None) -> Iterator[None]:
        """Write the stacks also if the block ends the process by `os._exit`, for which no signal handler runs.

        `before` is called then, first.
        """
        leave, owner = os._exit, getpid()

        def write_and_leave(status: int) -> NoReturn:
            # A process that the test forked also ends by `os._exit`, and shares the open file.
            if getpid() == owner:
                before()
                self.write()
            leave(status)

        os._exit = write_and_leave
        try:
            yield
        finally:
            os._exit = leave


def _new_file(path: Path) -> BinaryIO:
    # A test of another child may have put a file or a FIFO there, which mode "x" refuses to open.
    path.unlink(missing_ok=True)
    with path.open("x+b", buffering=0) as low:
        # Out of the way of tests, as the pipes are.
        return open(moved_up(os.dup(low.fileno())), "w+b", buffering=0)


def leave_to_hotspot() -> None:
    """Restore the default action of the signals that HotSpot handles; call before the JVM starts.

    HotSpot chains to the handler that it finds. With faulthandler's handler, the process would die without an hs_err
    file. With the default action, HotSpot writes hs_err and calls abort() on the crashing thread. faulthandler's
    handler of SIGABRT, which stays, then writes the Python stacks.
    """
    for fatal in HOTSPOTS:
        signal.signal(fatal, signal.SIG_DFL)
