"""The test that a process has started last, and the test's entry in case the run ends before the test is reported.

The controller of xdist learns of a test from its reports only, and an xdist worker that is killed sends none. So each
worker also writes its entries into a file of the controller: a memfd, which has no name, so that nobody must remove it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest

from ..interop import xdist
from ..model.outcomes import Outcome, Phase

ENTERED = pytest.StashKey[Callable[[Phase], None]]()
"""A function to be called when a phase of a test has begun in its child."""

COUNTED = pytest.StashKey[Callable[[Callable[[], dict[str, Any]]], None]]()
"""A function to be called when a round of a stressed test has been counted. Its argument returns the fields that the
entry of the test has if the run ends now."""

_INPUT: Final = "foreign_thread_started"
"""Key of the file's path in the data that xdist's controller sends a worker."""
_NAME: Final = "pytest-foreignthread-started"
_LOG_LIMIT: Final = 1 << 20
"""Bytes after which a worker empties its log: the tests whose reports the controller still lacks are far fewer."""
_READ_LIMIT: Final = 2 * _LOG_LIMIT
_FIELDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(["nodeid", "test", "mode", "outcome", "phase", "message"], str),
    "jvm": bool,
    "duration": (int, float),
    "rerun": list,
    "stress": (dict, type(None)),
}
"""Fields of an entry that a worker writes, and their types. The evidence may be long, so only the report carries it."""
_BETWEEN_TALLIES: Final = 0.5
"""Seconds between two tallies that a worker writes: a round may take a millisecond."""
_MOST_SECONDS: Final = 1e9
"""Seconds of the longest duration that is accepted: an integer in JSON may be too large for a float."""
_MODE: Final = re.compile("[A-Za-z0-9_-]+")
_HAS_BEGUN: Final = "has_begun"
"""Key beside these fields; False for the next test, which xdist blames if the worker ends between two tests."""


class LastStarted:
    """The entry of the test that this process has started last. An xdist worker also writes the entry into its log."""

    def __init__(self, config: pytest.Config) -> None:
        self._make_entry: Callable[[], Mapping[str, Any]] | None = None
        """Returns the entry without `_fields`; None if no test was started, or once a report has carried the entry."""
        self._fields: dict[str, Any] = {}
        self._began = 0.0
        self._ended = False
        self._log: str | None = (xdist.worker_input(config) or {}).get(_INPUT)
        self._next: dict[str, Any] | None = None
        self._tally_due = 0.0

    def announce(self, make_entry: Callable[[], Mapping[str, Any]] | None) -> None:
        """Note the test that comes after the one that is about to begin.

        `make_entry` makes the entry of that test; None if it is no foreign-thread test or if no test follows.
        """
        if self._log is not None:
            self._next = dict(make_entry()) if make_entry is not None else None
            self._write()

    @property
    def entry(self) -> dict[str, Any] | None:
        """The entry; None if no test was started, or once a report has carried the entry."""
        return None if self._make_entry is None else {**self._make_entry(), **self._fields}

    @property
    def runs(self) -> bool:
        """Whether a test was started, and no report is about to carry its entry."""
        return self._make_entry is not None and not self._ended

    @property
    def words(self) -> str:
        """Which test runs, for how long, and in which phase, for an interruption that says nothing itself."""
        entry = self.entry or {}
        ran = time.monotonic() - self._began
        return f"{entry.get('nodeid')} has run for {ran:.1f} s, and is in its phase {entry.get('phase')}"

    def begin(self, make_entry: Callable[[], Mapping[str, Any]]) -> None:
        """Note that a test begins. `make_entry` makes the entry of the test for the case that no report brings one."""
        # Only an entry that is read is made: most tests are reported.
        self._make_entry, self._fields, self._began, self._ended = make_entry, {}, time.monotonic(), False
        self._tally_due = 0.0
        self._write()

    def enter(self, phase: Phase) -> None:
        self._add(phase=phase.value)

    def count(self, fields: Callable[[], dict[str, Any]]) -> None:
        """Note the rounds of a stressed test: a worker that is killed leaves them nowhere else."""
        if self._log is None or time.monotonic() < self._tally_due:
            return
        self._tally_due = time.monotonic() + _BETWEEN_TALLIES
        self._add(**fields())

    def end_by(self, error: BaseException) -> None:
        """Note the exception that ends the run during the test."""
        name = "pytest.exit" if isinstance(error, pytest.exit.Exception) else type(error).__name__
        text = str(error)
        self._add(message=f"the run ended before the test did: {name}{text and f': {text}'}")

    def end(self, entry: Mapping[str, Any]) -> None:
        """Replace the entry with the entry that a report is about to carry."""
        if self._make_entry is not None:
            self._make_entry, self._fields, self._ended = lambda: entry, {}, True
            self._write()

    def reported(self) -> None:
        self._make_entry = None

    def _add(self, **fields: Any) -> None:
        if self.runs:
            self._fields.update(fields, duration=time.monotonic() - self._began)
            self._write()

    def _write(self) -> None:
        if self._log is not None:
            # Both entries are written each time, because the log may have been emptied.
            lines = [_line(entry, begun) for entry, begun in ((self._next, False), (self.entry, True)) if entry]
            if lines:
                with contextlib.suppress(OSError):
                    _append(self._log, b"".join(lines))


def _line(entry: Mapping[str, Any], has_begun: bool) -> bytes:
    fields = {name: entry[name] for name in _FIELDS}
    return json.dumps({**fields, _HAS_BEGUN: has_begun}).encode() + b"\n"


def _append(path: str, line: bytes) -> None:
    # Opened for each write, so that no child inherits the descriptor and with it the means to write into the log.
    # Imported here: an ordinary test of an xdist worker needs nothing of the supervision.
    from ..supervise.process.processes import opened

    with opened(path, os.O_WRONLY | os.O_APPEND) as descriptor:
        if os.fstat(descriptor).st_size + len(line) > _LOG_LIMIT:
            os.ftruncate(descriptor, 0)
        os.write(descriptor, line)


class WorkerLogs:
    """The logs of the workers on this machine, in xdist's controller."""

    def __init__(self) -> None:
        self._descriptors: dict[str, int] = {}

    def open_for(self, node: Any) -> None:
        """Open a log for the worker and send the worker the log's path. Call this before the worker starts."""
        if (worker := xdist.local_id_of(node)) is None:
            return
        # Without a log the run goes on: only the entry of a test whose worker was killed is lost.
        with contextlib.suppress(OSError, AttributeError):
            descriptor = self._descriptors[worker] = os.memfd_create(_NAME)
            xdist.send_to(node, _INPUT, f"/proc/{os.getpid()}/fd/{descriptor}")

    @property
    def has_entries(self) -> bool:
        return any(os.fstat(descriptor).st_size for descriptor in self._descriptors.values())

    def last_entry(self, worker: str, nodeid: str) -> tuple[bool, dict[str, Any]] | None:
        """Return whether the test had begun, and its last entry; None if the worker's log does not have the test."""
        return self._entries(worker).get(nodeid)

    def entries_of_begun(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the worker's id and the last entry of each test in the logs that had begun."""
        for worker in self._descriptors:
            yield from ((worker, entry) for begun, entry in self._entries(worker).values() if begun)

    def _entries(self, worker: str) -> dict[str, tuple[bool, dict[str, Any]]]:
        if worker not in self._descriptors:
            return {}
        lines = os.pread(self._descriptors[worker], _READ_LIMIT, 0).split(b"\n")
        return {fields[1]["nodeid"]: fields for line in lines if (fields := _entry(line)) is not None}

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])


def _entry(line: bytes) -> tuple[bool, dict[str, Any]] | None:
    """Return whether the test had begun, and its entry; None if the line has another shape.

    The death of a worker may have cut the line, or a test may have written it.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or set(fields) != {*_FIELDS, _HAS_BEGUN}:
        return None
    has_begun = fields.pop(_HAS_BEGUN)
    if not all(isinstance(fields[name], kind) for name, kind in _FIELDS.items()) or isinstance(
        fields["duration"], bool
    ):
        return None
    # Imported here because most runs under xdist have no foreign-thread test.
    from ..model.records import RunRecord
    from ..model.stress_shape import is_stress
    from ..report.json_report import test_entry

    outcomes, phases = ({member.value for member in members} for members in (Outcome, Phase))
    known = fields["outcome"] in outcomes and fields["phase"] in phases and 0 <= fields["duration"] <= _MOST_SECONDS
    named = fields["nodeid"] and fields["test"] and _MODE.fullmatch(fields["mode"])
    counted = fields["stress"] is None or is_stress(fields["stress"])
    if not known or not named or not counted or not all(isinstance(argument, str) for argument in fields["rerun"]):
        return None
    return has_begun is True, test_entry(RunRecord("", "", Outcome.ERROR, Phase.FORK, 0.0)) | fields
