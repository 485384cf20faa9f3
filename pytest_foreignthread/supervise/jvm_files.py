"""Removal of the files that a JVM writes outside of its child's scratch directory."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import child_files

_TMP = Path("/tmp")
"""HotSpot's temporary directory on Linux; HotSpot ignores TMPDIR."""
# The line of stdout in which HotSpot names its log.
_NAMED_LOG = re.compile(r"^# (/.*/hs_err_pid([0-9]{1,10})\.log)$", re.M)
# Nanoseconds. The kernel stamps a file with the time of its last timer tick, up to 10 ms ago (CONFIG_HZ=100): a file of
# the child may seem older than the child.
_TICK = 100_000_000


def now() -> int:
    """Return the time in nanoseconds by the clock that stamps files; libraries that freeze the time do not patch it."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def remove_jvm_files(pid: int, since: int) -> None:
    """Remove the files of a killed JVM in /tmp: attach socket and trigger, performance data.

    Only files written after `since` are removed, and only while no process has the pid: a pid is used again, and the
    files could be those of another JVM.
    """
    if os.path.exists(f"/proc/{pid}"):
        return
    # HotSpot binds the socket under the second name, and then gives it the first.
    paths = [_TMP / f".java_pid{pid}", _TMP / f".java_pid{pid}.tmp", _TMP / f".attach_pid{pid}"]
    with contextlib.suppress(KeyError):
        paths.append(_TMP / f"hsperfdata_{pwd.getpwuid(os.geteuid()).pw_name}" / str(pid))
    for path in paths:
        _remove(path, since)


@dataclass(frozen=True)
class StrayLogs:
    """The error logs of a JVM that could not write to its scratch directory, for example after setuid().

    HotSpot then tries its current directory, and after that /tmp.
    """

    pid: int
    since: int
    """Nanoseconds; an older file is not the child's."""
    scratch: Path
    current: Path | None
    """The current directory of the pytest process at the fork."""

    def of_child(self, output: str) -> Path | None:
        """Return the child's own log, None if there is none; `output` is what the child wrote to stdout."""
        return next((path for path, pid in self._all(output) if pid == self.pid), None)

    def is_of_child(self, path: Path) -> bool:
        """Return whether a file, of any name, was written since the child was forked, by the child's user."""
        return _is_of_child(path, self.since)

    def remove(self, output: str = "") -> None:
        """Remove the logs of the child, and of the processes that it forked."""
        for path, pid in list(self._all(output)):
            _remove(path, self.since)
            _remove(path.with_name(f"replay_pid{pid}.log"), self.since)

    def _all(self, output: str) -> Iterator[tuple[Path, int]]:
        """Yield the path of each log and the pid in its name.

        HotSpot prints the path, but so may a test, of a file that is not its own. So a log of another pid counts only
        if it names the scratch directory.
        """
        places = [place for place in (self.current, _TMP) if place is not None]
        candidates = [(place / f"hs_err_pid{self.pid}.log", self.pid) for place in places]
        candidates += [(Path(path), int(pid)) for path, pid in _NAMED_LOG.findall(output)]
        for path, pid in dict.fromkeys(candidates):
            if _is_of_child(path, self.since) and (pid == self.pid or self._names_scratch(path)):
                yield path, pid

    def _names_scratch(self, path: Path) -> bool:
        """Return whether a log names this scratch directory among the arguments of its JVM, which each log lists."""
        with contextlib.suppress(child_files.UnreadableError, FileNotFoundError):
            return f"-XX:ErrorFile={self.scratch}/" in child_files.read_text(path)
        return False


def _remove(path: Path, since: int) -> None:
    if _is_of_child(path, since):
        with contextlib.suppress(OSError):
            path.unlink()


def _is_of_child(path: Path, since: int) -> bool:
    # The path may come from the child: lstat() raises ValueError for one with a null byte.
    with contextlib.suppress(OSError, ValueError):
        found = path.lstat()
        # A child of root may have become another user before its crash.
        own = os.geteuid() in (0, found.st_uid)
        plain = stat.S_ISREG(found.st_mode) or stat.S_ISSOCK(found.st_mode)
        # A file with a second name, a hard link, is one that a test may have linked here: it is not HotSpot's.
        return own and plain and found.st_nlink == 1 and found.st_mtime_ns >= since - _TICK
    return False
