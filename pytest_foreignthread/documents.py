"""The documents that a child leaves in its scratch folder, and what the supervisor took: name → text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from .observation import Observation

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
_NAMES: Final = (PYTHON, HS_ERR, JVM_START, STDOUT, STDERR)

LONGEST: Final = 4 * 1024 * 1024
"""Bytes of a document that are read; of a longer one the last."""

# HotSpot prints the head of hs_err; a line of its log may stand among it.
_BANNER: Final = re.compile(
    r"^#\n# A fatal error has been detected by the Java Runtime.*\n(?:#.*\n?|\[[\d.]+s\].*\n)*", re.M
)

Documents = dict[str, str]


def read(folder: Path, observation: Observation) -> Documents:
    """Give every document that is there; one that is not has no key."""
    texts = {name: text for name in _NAMES if (text := _text(folder / name)) is not None}
    return {**texts, **observation.documents}


def without_banner(output: str) -> str:
    """Leave out the head of hs_err from what a child wrote: the report tells it better."""
    return _BANNER.sub("", output)


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LONGEST))
            text = file.read(LONGEST).decode("utf-8", "replace")
    except OSError:
        return None
    return text if size <= LONGEST else f"[the first {size - LONGEST} bytes are left out]\n{text}"
