"""The JVM of this process, whichever library started it; found without importing jpype."""

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
"""Module that starts a JVM, or runs inside one → name of its project."""
_MAPPED: Final = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*? (/.*/libjvm\.so)(?: \(deleted\))?$", re.MULTILINE)


@dataclass(frozen=True)
class RunningJvm:
    """The JVM of a process, which has at most one."""

    starter: str
    """"JPype", or another project whose module is imported here; "" if none is known."""
    library: str
    """The path of libjvm; "" if it was not looked for."""
    spans: tuple[tuple[int, int], ...] = ()
    """The address ranges of the library in memory."""

    @property
    def is_jpypes(self) -> bool:
        return self.starter == _JPYPE

    @property
    def origin(self) -> str:
        """What started the JVM, as a clause after "a JVM"."""
        who = f"that {self.starter} started" if self.starter else "that JPype did not start"
        return f"{who} ({self.library})" if self.library else who

    def holds(self, address: int) -> bool:
        """Return whether the address lies in the library."""
        return any(start <= address < end for start, end in self.spans)


def is_jpypes() -> bool:
    """Return whether JPype has a JVM in this process."""
    jpype = sys.modules.get("jpype")
    # During its import, jpype does not have this function yet.
    return jpype is not None and bool(getattr(jpype, "isJVMStarted", bool)())


def running_jvm() -> RunningJvm | None:
    """Return the JVM of this process, without its library if it is JPype's; None if there is none."""
    return RunningJvm(_JPYPE, "") if is_jpypes() else jvm_in_memory()


def jvm_in_memory() -> RunningJvm | None:
    """Return the JVM with its library, also JPype's; None without one, or if the kernel does not list libraries."""
    return next(_created(), None)


def _created() -> Iterator[RunningJvm]:
    """Yield a JVM for each libjvm in memory that has created one."""
    try:
        text = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    # Most processes have no such library, and then the regular expression need not run.
    mapped = _MAPPED.findall(text) if "/libjvm.so" in text else []
    for library in dict.fromkeys(path for _, _, path in mapped):
        if _has_created(library):
            found = (name for module, name in _STARTERS.items() if module in sys.modules)
            starter = _JPYPE if is_jpypes() else next(found, "")
            spans = tuple((int(start, 16), int(end, 16)) for start, end, path in mapped if path == library)
            yield RunningJvm(starter, library, spans)


def _has_created(library: str) -> bool:
    # Imported here because few processes have a library of that name.
    import ctypes

    machine, number = ctypes.c_void_p(), ctypes.c_int()
    try:
        loaded = ctypes.CDLL(library, mode=os.RTLD_NOW | os.RTLD_NOLOAD)
        failed = loaded.JNI_GetCreatedJavaVMs(ctypes.byref(machine), 1, ctypes.byref(number))
    # The file is mapped but not loaded, or it is another library with that name.
    except (OSError, AttributeError):
        return False
    return failed == 0 and number.value > 0
