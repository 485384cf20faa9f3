"""A crash that has begun on another thread while this thread goes on.

The thread that crashed writes evidence, and may then wait for the supervisor. Meanwhile this process lives, and the
other threads run: a test could pass and end the process before its crash has been seen.
"""

from __future__ import annotations

from faulthandler import is_enabled
from os import getpid
from time import sleep

from ..model.settings import HELD_SIGNALS
from ..supervise.probes.held_thread import held_threads
from .alternate_stack import handler_of
from .handlers import HOTSPOT, owner_of_address
from .native.held_crash import pause

# Seconds in which a process ends whose crash is held by nobody: faulthandler writes the stacks of all threads.
_WITHOUT_HOLD = 0.1


class BegunCrash:
    """Notices a crash by the handlers of fatal signals: faulthandler and HotSpot replace them when they meet one."""

    def __init__(self) -> None:
        self._known = _handlers()

    def forget(self) -> None:
        """Take the handlers of now for those without a crash; call after they have been set."""
        self._known = _handlers()

    def await_end(self) -> None:
        """Do not return if a thread of this process has crashed: the crash, or the supervisor, ends the process."""
        found = _handlers()
        if found == self._known and pause() not in found:
            return
        while self._is_proved(found):
            sleep(1)
        if is_enabled() and any(not new and old for old, new in zip(self._known, found, strict=True)):
            # faulthandler has restored the default action, or the test has set it.
            sleep(_WITHOUT_HOLD)
        self._known = found

    def _is_proved(self, found: list[int | None]) -> bool:
        if pause() in found:
            # Below faulthandler's handler. A test that disables faulthandler brings `pause` to the top as well.
            return is_enabled() or bool(held_threads(getpid()))
        changed = [(old, new) for old, new in zip(self._known, found, strict=True) if old != new and old and new]
        return any(owner_of_address(old) == owner_of_address(new) == HOTSPOT for old, new in changed)


def _handlers() -> list[int | None]:
    return [handler_of(number) for number in HELD_SIGNALS]
