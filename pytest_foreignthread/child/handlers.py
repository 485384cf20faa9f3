"""Which library handles a fatal signal once the JVM runs, read from the kernel and from this process's memory map."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..model.fault_signals import HOTSPOTS, numbers_of
from .alternate_stack import handler_of

HOTSPOT: Final = "HotSpot"
PYTHON: Final = "Python"
WANTED: Final[Mapping[signal.Signals, str]] = {
    **dict.fromkeys(numbers_of(HOTSPOTS), HOTSPOT),
    signal.SIGABRT: PYTHON,
}
"""The owners with which a crash leaves both HotSpot's error log and Python's stacks."""


def owners() -> dict[str, str]:
    """Return signal → "HotSpot", "Python", "nobody" or another library's name; empty if unknown on this platform."""
    addresses = {number.name: handler_of(number) for number in WANTED}
    if any(address is None for address in addresses.values()):
        return {}
    return {name: owner_of_address(address or 0) for name, address in addresses.items()}


def owner_of(number: int) -> str | None:
    """Return the owner of a signal, named as by `owners`; None if unknown on this platform."""
    address = handler_of(number)
    return None if address is None else owner_of_address(address)


def are_wanted(found: Mapping[str, str]) -> bool:
    """Return whether each known owner is the wanted owner."""
    return all(found.get(number.name, owner) == owner for number, owner in WANTED.items())


def owner_of_address(address: int) -> str:
    """Return the owner of a handler's address, named as by `owners`; Linux only."""
    if address in (signal.SIG_DFL, signal.SIG_IGN):
        return "nobody"
    file = _file_of(address)
    if file.startswith("libjvm."):
        return HOTSPOT
    # faulthandler is compiled into Python: its handler lies in the file that also has Py_GetVersion, libpython or
    # python.
    of_python = ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p).value
    return PYTHON if file == _file_of(of_python or 0) else file


def _file_of(address: int) -> str:
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        span, _, rest = line.partition(" ")
        start, _, end = span.partition("-")
        if int(start, 16) <= address < int(end, 16):
            return Path(rest.partition("/")[2] or "unnamed memory").name
    return "unmapped memory"
