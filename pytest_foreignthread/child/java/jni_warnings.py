"""Calls of JNI that HotSpot warns of under `-Xcheck:jni`, as warnings of pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ...evidence.jni_checks import last_writer, parse_jni_checks
from ...model import documents
from ...model.stacks import JniFinding
from ...model.wording import finding_lines, folded
from ...supervise import child_files


class JniWarning(pytest.PytestWarning):
    """A call of JNI breaks a rule of JNI's."""

    __module__ = "pytest_foreignthread"


class JniWarnings:
    """Reads what HotSpot has added to its log since the last call."""

    def __init__(self, folder: Path, names: Mapping[int, str]) -> None:
        """`names` are those of the threads that ran callbacks, by the kernel's id."""
        self._file = folder / documents.JVM_OUTPUT
        self._names = names
        self._position = 0
        self._writer: int | None = None

    def take(self) -> Iterator[JniWarning]:
        """Yield a warning for each different finding since the last call; call at the end of each phase."""
        try:
            text, self._position = child_files.read_on(self._file, self._position)
        # The test may have removed the directory, or replaced the file.
        except (FileNotFoundError, child_files.UnreadableError):
            return
        found = parse_jni_checks(text, self._writer)
        self._writer = last_writer(text) or self._writer
        yield from map(JniWarning, folded(self._text(one) for one in found if not one.fatal))

    def _text(self, finding: JniFinding) -> str:
        name = self._names.get(finding.native_id or 0)
        return "\n".join(finding_lines(finding, name))
