"""Who answers a fatal signal, as sigaction(2) has it: read and put back as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from typing import Final

from ..model import fault_signals
from ..model.fault_signals import numbers_of
from ..supervise.process.sigactions import Action, action_of, set_action

HOTSPOTS: Final = numbers_of(fault_signals.HOTSPOTS) if os.name == "posix" else ()
SHUTDOWN: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ()
"""Those which HotSpot takes, but with `-Xrs`, for Java's shutdown hooks; JPype may put handlers of its own there."""


class Handlers:
    """What stood when it was made; nothing off POSIX, where Python's faulthandler and HotSpot set no signal handler."""

    def __init__(self, numbers: Iterable[signal.Signals] = HOTSPOTS) -> None:
        self._actions: dict[int, Action] = {}
        if os.name != "posix":
            return
        for number in numbers:
            if (action := action_of(number)) is not None:
                self._actions[number] = action

    def address_of(self, number: int) -> int:
        """Return the address of a handler; 0 where there is none, or where it was not read."""
        action = self._actions.get(number)
        return 0 if action is None else int(action.handler or 0)

    def put_back(self) -> bool:
        """Whether there was something to put back."""
        for number, action in self._actions.items():
            set_action(number, action)
        return bool(self._actions)
