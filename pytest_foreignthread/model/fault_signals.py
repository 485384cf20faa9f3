"""The signals of faults, by name: some platforms lack some of them."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from typing import Final

MEMORY: Final = ("SIGSEGV", "SIGBUS")
"""Those of a bad address."""
HOTSPOTS: Final = (*MEMORY, "SIGFPE", "SIGILL")
"""Those that HotSpot handles for its own ends. SIGABRT it leaves alone: faulthandler answers that one."""
FAULTS: Final = (*HOTSPOTS, "SIGABRT", "SIGTRAP")
"""Those that a thread raises by what it does itself."""


def numbers_of(names: Iterable[str]) -> tuple[signal.Signals, ...]:
    """Return the signals of these names that this platform has."""
    return tuple(signal.Signals[name] for name in names if name in signal.Signals.__members__)
