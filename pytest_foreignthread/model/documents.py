"""The documents of a child: name → text. The child writes some of them, and the supervisor takes the others."""

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
"""What the kernel shows of a crash in a child without a JVM, which waited until it was looked at."""
FORKS: Final = "forks"
"""pystack's text of processes that the child has forked, and that have started no program of their own."""
JVM_START: Final = "jvm_start"
JVM_OUTPUT: Final = "jvm_output"
"""What HotSpot says during a test under the checker `jni`, apart from the output of the test."""
STDOUT: Final = "stdout"
STDERR: Final = "stderr"
COVERAGE: Final = "coverage"
COVERAGE_SUFFIX: Final = "child"
"""The suffix of the file with the coverage data of a child: `coverage.child`."""
ERROR_FILE: Final = "error_file"
"""The file in which a child writes the path where the project's own JVM would write its error log."""
SCRATCH_FILES: Final = (PYTHON, HS_ERR, JVM_START, STDOUT, STDERR)
"""The documents that a child writes to its scratch directory."""

# The head of hs_err, which HotSpot prints as well; lines of HotSpot's log may stand between its lines.
_BANNER: Final = re.compile(
    r"^#\n# A fatal error has been detected by the Java Runtime.*\n(?:#.*\n?|\[[\d.]+s\].*\n)*", re.M
)

_NO_PLACE: Final = "# Can not save log file, dump to screen.."

Documents = dict[str, str]


def error_log_in(output: str) -> str | None:
    """Return the error log in a child's output, where HotSpot prints it if it cannot write a file; None without one."""
    _, marker, log = output.partition(_NO_PLACE)
    return log.lstrip("\n") if marker else None


def without_late_death(found: Documents) -> Documents:
    """Return the documents without those of a death: after the deadline had passed, a death is no outcome."""
    return {name: text for name, text in found.items() if name not in (PYTHON, HS_ERR, HELD_CRASH)}


def without_banner(output: str) -> str:
    """Return the output of a child without the head of hs_err, whose facts the report shows."""
    return _BANNER.sub("", output)
