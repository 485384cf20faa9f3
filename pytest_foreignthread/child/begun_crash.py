"""A crash that has begun on another thread while this thread goes on.

The thread that crashed writes evidence, and may then wait for the supervisor. Meanwhile this process lives, and the
other threads run: a test could pass and end the process before its crash has been seen.
"""

from __future__ import annotations

import signal
from os import getpid
from time import monotonic, sleep

from ..model.settings import HELD_SIGNALS
from ..supervise.probes.held_thread import has_held_thread
from .alternate_stack import handler_of
from .faults import PythonStacks
from .handlers import HOTSPOT, owner_of_address

# Seconds between a change of handlers, which a crash begins with, and what proves the crash.
_UNPROVED = 0.02
_STEP = 0.005


class BegunCrash:
    """Notices a crash by the handlers of fatal signals: faulthandler and HotSpot replace them when they meet one."""

    def __init__(self, stacks: PythonStacks) -> None:
        self._stacks = stacks
        self._usual = self._known = _handlers()

    def forget(self) -> None:
        """Take the handlers of now for those without a crash; call after they have been set."""
        self._usual = self._known = _handlers()

    def await_end(self) -> None:
        """Do not return if a thread of this process has crashed: the crash, or the supervisor, ends the process.

        Raise what a signal handler has raised meanwhile.
        """
        found = _handlers()
        if found == self._usual:
            return
        give_up = monotonic() + (0 if found == self._known else _UNPROVED)
        is_proved, looks, raised = False, 0, None
        while True:
            try:
                is_proved, looks = is_proved or self._is_proved(found), looks + 1
                # A signal handler may raise an OSError, which a look takes for an unreadable file.
                if not is_proved and looks > 1 and monotonic() > give_up:
                    break
                sleep(_STEP)
            # A signal handler of the test, which must not end the wait.
            except BaseException as error:
                raised = error
        self._known = found
        if raised is not None:
            raise raised

    def _is_proved(self, found: list[int | None]) -> bool:
        # The last for a test that has disabled faulthandler, or started a JVM itself: HotSpot calls the handler that it
        # has found, and that is `pause`.
        return self._stacks.have_fatal_error or self._is_hotspots(found) or has_held_thread(getpid())

    def _is_hotspots(self, found: list[int | None]) -> bool:
        """Return whether HotSpot has replaced a handler of its own, as it does when it meets a crash.

        HotSpot has one handler for faults and for SIGPIPE, and leaves it to SIGPIPE. That tells of a JVM, too, that has
        been started since the usual handlers were read.
        """
        pipes = handler_of(signal.SIGPIPE)
        changed = {(old, new) for old, new in zip(self._usual, found, strict=True) if old != new}
        replaced = {*changed, *((pipes, new) for _, new in changed if new != pipes)}
        return any(owner_of_address(old) == owner_of_address(new) == HOTSPOT for old, new in replaced if old and new)


def _handlers() -> list[int | None]:
    return [handler_of(number) for number in HELD_SIGNALS]
