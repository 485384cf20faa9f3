"""The signals of faults. They are names, because some platforms lack some of the signals."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from typing import Final

MEMORY: Final = ("SIGSEGV", "SIGBUS")
"""The signals of an access to a bad address."""
HOTSPOTS: Final = (*MEMORY, "SIGFPE", "SIGILL")
"""The signals that HotSpot handles and also uses for itself. It leaves SIGABRT alone, which faulthandler handles."""
FAULTS: Final = (*HOTSPOTS, "SIGABRT", "SIGTRAP")
"""All signals that a thread raises by its own doing."""


def numbers_of(names: Iterable[str]) -> tuple[signal.Signals, ...]:
    """Return the signals with these names, without those that this platform lacks."""
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)


def signal_name(number: int) -> str:
    """Return the name of a signal; "signal 35" for one that Python has no name for."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


FATAL: Final = "Fatal Python error: "
FAULTHANDLERS_WORDS: Final = {
    "Bus error": "SIGBUS",
    "Illegal instruction": "SIGILL",
    "Floating point exception": "SIGFPE",
    "Floating-point exception": "SIGFPE",
    "Aborted": "SIGABRT",
    "Segmentation fault": "SIGSEGV",
}
"""What faulthandler writes behind `FATAL`, and for which signal (CPython's Modules/faulthandler.c)."""
