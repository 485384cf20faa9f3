"""The documents that a child leaves in its scratch directory, and what the supervisor took: name → text."""

from __future__ import annotations

import re
from typing import Final

PYTHON: Final = "python"
PYTHON_HANG: Final = "python_hang"
JAVA_DUMP: Final = "java_dump"
OS_THREADS: Final = "os_threads"
NATIVE: Final = "native"
HS_ERR: Final = "hs_err"
HELD_CRASH: Final = "held_crash"
"""What the kernel showed of a crash that waited, in a child without a JVM."""
FORKED_JVM: Final = "forked_jvm"
"""pystack's text of processes that the child has forked after its JVM started."""
JVM_START: Final = "jvm_start"
STDOUT: Final = "stdout"
STDERR: Final = "stderr"
COVERAGE: Final = "coverage"
COVERAGE_SUFFIX: Final = "child"
"""Of the file in which a child's coverage is: `coverage.child`."""
ERROR_FILE: Final = "error_file"
"""Of the file in which a child says where the project's own JVM is going to write its error log."""
SCRATCH_FILES: Final = (PYTHON, HS_ERR, JVM_START, STDOUT, STDERR)
"""Those that a child leaves in its scratch directory."""

# HotSpot prints the head of hs_err; a line of its log may stand among it.
_BANNER: Final = re.compile(
    r"^#\n# A fatal error has been detected by the Java Runtime.*\n(?:#.*\n?|\[[\d.]+s\].*\n)*", re.M
)

_NO_PLACE: Final = "# Can not save log file, dump to screen.."

Documents = dict[str, str]


def error_log_in(output: str) -> str | None:
    """Return the error log that HotSpot printed because it found no place for a file; None where it did not."""
    _, marker, log = output.partition(_NO_PLACE)
    return log.lstrip("\n") if marker else None


def without_late_death(found: Documents) -> Documents:
    """Return what is left without the documents of a death: for a child that died after its deadline had passed."""
    return {name: text for name, text in found.items() if name not in (PYTHON, HS_ERR, HELD_CRASH)}


def without_banner(output: str) -> str:
    """Leave out the head of hs_err from what a child wrote: the report tells it better."""
    return _BANNER.sub("", output)
