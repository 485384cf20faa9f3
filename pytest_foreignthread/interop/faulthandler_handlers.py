"""The handlers of fatal signals as sigaction(2) returns them, saved and restored."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Final

from ..model import fault_signals
from ..model.fault_signals import numbers_of
from ..supervise.process.sigactions import Action, action_of, is_known, set_action

HOTSPOTS: Final = numbers_of(fault_signals.HOTSPOTS) if os.name == "posix" else ()
SHUTDOWN: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ()
"""The signals that HotSpot handles for Java's shutdown hooks, except with `-Xrs`; JPype may handle them as well."""


class Handlers:
    """The handlers at the time of the call.

    It has none outside POSIX, where faulthandler and HotSpot set no signal handlers.
    """

    def __init__(self, numbers: Iterable[signal.Signals] = HOTSPOTS) -> None:
        self._actions: dict[int, Action] = {}
        if os.name != "posix":
            return
        for number in numbers:
            if (action := action_of(number)) is not None:
                self._actions[number] = action

    def address_of(self, number: int) -> int:
        """Return the address of a handler; 0 if there is none or it was not read."""
        action = self._actions.get(number)
        return 0 if action is None else int(action.handler or 0)

    def admit_abort(self) -> None:
        """Let a handler of SIGABRT run on a thread that is in one of these handlers, once they are put back.

        HotSpot's handlers block SIGABRT, and HotSpot ends its error log by abort(). Up to glibc 2.40 abort() unblocks
        the signal. Later releases end the process instead, and faulthandler would write nothing (stdlib/abort.c).
        """
        for action in self._actions.values() if is_known() else ():
            action.mask[0] &= ~(1 << (signal.SIGABRT - 1))

    def put_back(self) -> bool:
        """Restore the handlers; return whether there were any."""
        for number, action in self._actions.items():
            set_action(number, action)
        return bool(self._actions)
