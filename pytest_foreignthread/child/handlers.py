"""Who answers for a fatal signal once the JVM runs, read from the kernel and from this process's memory map."""

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
"""What gives both an error log of HotSpot's and Python's stacks."""


def owners() -> dict[str, str]:
    """Return signal → HotSpot, Python, `nobody`, or the name of another library; empty where it cannot be told."""
    addresses = {number.name: handler_of(number) for number in WANTED}
    if any(address is None for address in addresses.values()):
        return {}
    return {name: _owner(address or 0) for name, address in addresses.items()}


def owner_of(number: int) -> str | None:
    """Return who answers a signal, as `owners` names them; None where it cannot be told."""
    address = handler_of(number)
    return None if address is None else _owner(address)


def are_wanted(found: Mapping[str, str]) -> bool:
    return all(found.get(number.name, owner) == owner for number, owner in WANTED.items())


def _owner(address: int) -> str:
    if address in (signal.SIG_DFL, signal.SIG_IGN):
        return "nobody"
    file = _file_of(address)
    if file.startswith("libjvm."):
        return HOTSPOT
    # faulthandler is a part of Python itself, in its library or its executable.
    of_python = ctypes.cast(ctypes.pythonapi.Py_GetVersion, ctypes.c_void_p).value
    return PYTHON if file == _file_of(of_python or 0) else file


def _file_of(address: int) -> str:
    for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines():
        span, _, rest = line.partition(" ")
        start, _, end = span.partition("-")
        if int(start, 16) <= address < int(end, 16):
            return Path(rest.partition("/")[2] or "unnamed memory").name
    return "unmapped memory"
