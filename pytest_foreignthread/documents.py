"""The documents that a child leaves in its scratch folder, and what the supervisor took: name → text."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final

from . import child_files
from .observation import Taken

PYTHON: Final = "python"
PYTHON_HANG: Final = "python_hang"
JAVA_DUMP: Final = "java_dump"
OS_THREADS: Final = "os_threads"
NATIVE: Final = "native"
HS_ERR: Final = "hs_err"
JVM_START: Final = "jvm_start"
STDOUT: Final = "stdout"
STDERR: Final = "stderr"
COVERAGE: Final = "coverage"
COVERAGE_SUFFIX: Final = "child"
"""Of the file in which a child's coverage is: `coverage.child`."""
ERROR_FILE: Final = "error_file"
"""Of the file in which a child says where the project's own JVM is going to write its error log."""
_NAMES: Final = (PYTHON, HS_ERR, JVM_START, STDOUT, STDERR)

# HotSpot prints the head of hs_err; a line of its log may stand among it.
_BANNER: Final = re.compile(
    r"^#\n# A fatal error has been detected by the Java Runtime.*\n(?:#.*\n?|\[[\d.]+s\].*\n)*", re.M
)

_NO_PLACE: Final = "# Can not save log file, dump to screen.."

Documents = dict[str, str]


def read(folder: Path) -> Taken:
    """Return the documents that are there, and those that are there and could not be read → why."""
    found: Documents = {}
    missing: dict[str, str] = {}
    for name in _NAMES:
        read_one(name, folder / name, found, missing)
    return found, missing


def read_one(name: str, path: Path, found: Documents, missing: dict[str, str]) -> None:
    """Add a document to those that were found, or why it could not be read."""
    with contextlib.suppress(FileNotFoundError):
        try:
            found[name] = child_files.read_text(path)
        except child_files.UnreadableError as error:
            missing[name] = f"it could not be read: {error}"


def error_log_in(output: str) -> str | None:
    """Return the error log that HotSpot printed because it found no place for a file; None where it did not."""
    _, marker, log = output.partition(_NO_PLACE)
    return log.lstrip("\n") if marker else None


def tell_of_a_death(folder: Path) -> bool:
    """Return whether a document is there that a process writes as it dies of a fatal error."""
    found: Documents = {}
    missing: dict[str, str] = {}
    for name in (HS_ERR, PYTHON):
        read_one(name, folder / name, found, missing)
    return bool(found.get(HS_ERR)) or "Fatal Python error" in found.get(PYTHON, "")


def without_late_death(found: Documents) -> Documents:
    """Return what is left without the documents of a death: for a child that died after its deadline had passed."""
    return {name: text for name, text in found.items() if name not in (PYTHON, HS_ERR)}


def without_banner(output: str) -> str:
    """Leave out the head of hs_err from what a child wrote: the report tells it better."""
    return _BANNER.sub("", output)
