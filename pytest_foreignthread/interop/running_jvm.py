"""The JVM of this process, whoever started it; jpype is not imported for that."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_JPYPE: Final = "JPype"
_STARTERS: Final[Mapping[str, str]] = {
    "jnius": "PyJNIus",
    "jep": "jep",
    "jpy": "jpy",
    "javabridge": "python-javabridge",
    "lucene": "PyLucene",
}
"""Modules that start a JVM, or run in one, and the names of their projects."""
_MAPPED: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*? (/.*/libjvm\.so)(?: \(deleted\))?$", re.MULTILINE)


@dataclass(frozen=True)
class RunningJvm:
    """A process has one at most."""

    starter: str
    """JPype, another project whose module is imported here, or nothing where there is none that is known."""
    library: str
    """Path; empty where it was not looked for."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where the library lies in memory."""

    @property
    def is_jpypes(self) -> bool:
        return self.starter == _JPYPE

    @property
    def origin(self) -> str:
        """Who started it, as a clause behind "a JVM"."""
        who = f"that {self.starter} started" if self.starter else "that JPype did not start"
        return f"{who} ({self.library})" if self.library else who

    def holds(self, address: int) -> bool:
        return any(start <= address < end for start, end in self.spans)


def is_jpypes() -> bool:
    """Whether JPype has a JVM in this process."""
    jpype = sys.modules.get("jpype")
    # While it is being imported it has no such function yet.
    return jpype is not None and bool(getattr(jpype, "isJVMStarted", bool)())


def running_jvm() -> RunningJvm | None:
    return RunningJvm(_JPYPE, "") if is_jpypes() else jvm_in_memory()


def jvm_in_memory() -> RunningJvm | None:
    """Return the JVM with its library, JPype's too; None if the kernel does not list the libraries."""
    return next(_created(), None)


def _created() -> Iterator[RunningJvm]:
    """Yield one for each of the libraries in memory that has it."""
    try:
        text = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    # Most processes have no such library.
    mapped = _MAPPED.findall(text) if "/libjvm.so" in text else []
    for library in dict.fromkeys(path for _, _, path in mapped):
        if _has_created(library):
            found = (name for module, name in _STARTERS.items() if module in sys.modules)
            starter = _JPYPE if is_jpypes() else next(found, "")
            spans = tuple((int(start, 16), int(end, 16)) for start, end, path in mapped if path == library)
            yield RunningJvm(starter, library, spans)


def _has_created(library: str) -> bool:
    # Imported here: few processes have a library of that name.
    import ctypes

    machine, number = ctypes.c_void_p(), ctypes.c_int()
    try:
        loaded = ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
        failed = loaded.JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(number))
    # It was mapped and not loaded, or is something else of that name.
    except (OSError, AttributeError):
        return False
    return failed == 0 and number.value > 0
