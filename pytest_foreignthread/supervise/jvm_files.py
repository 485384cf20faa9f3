"""What a JVM leaves outside of its child's scratch directory, of which nothing is to stay."""

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
"""HotSpot's temporary directory on Linux, whatever TMPDIR says."""
_TOLD = re.compile(r"^# (/.*/hs_err_pid(\d+)\.log)$", re.M)
# The kernel's time of a file is up to a tick behind the clock.
_TICK = 100_000_000


def now() -> int:
    """Return the time in nanoseconds, by the clock of the files; libraries that freeze the time leave it alone."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def remove_jvm_files(pid: int, since: int) -> None:
    """Remove what a killed JVM, started after `since`, left in /tmp: attach socket and trigger, performance data.

    Nothing is removed while a process has the pid: it may be another's by now.
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
    """The error logs of a JVM that could not write to its scratch directory: the child gave up its rights, say.

    HotSpot then takes its current directory, and then /tmp.
    """

    pid: int
    since: int
    """Nanoseconds; what is older is not the child's."""
    scratch: Path
    current: Path | None
    """The current directory of the pytest process at the fork."""

    def of_child(self, output: str) -> Path | None:
        """Return the child's own log, where there is one; `output` is what the child wrote to stdout."""
        return next((path for path, pid in self._all(output) if pid == self.pid), None)

    def is_of_child(self, path: Path) -> bool:
        """Whether a file, of any name, was written since the child was made, by its user."""
        return _is_of_child(path, self.since)

    def remove(self, output: str = "") -> None:
        """Remove the logs of the child, and of processes that it forked."""
        for path, pid in list(self._all(output)):
            _remove(path, self.since)
            _remove(path.with_name(f"replay_pid{pid}.log"), self.since)

    def _all(self, output: str) -> Iterator[tuple[Path, int]]:
        """Yield each log with the pid in its name. HotSpot prints the path; a test may print another one."""
        places = [place for place in (self.current, _TMP) if place is not None]
        candidates = [(place / f"hs_err_pid{self.pid}.log", self.pid) for place in places]
        candidates += [(Path(path), int(pid)) for path, pid in _TOLD.findall(output)]
        for path, pid in dict.fromkeys(candidates):
            if _is_of_child(path, self.since) and (pid == self.pid or self._names_scratch(path)):
                yield path, pid

    def _names_scratch(self, path: Path) -> bool:
        """Whether it is the log of a JVM of this scratch directory; each log has the arguments of its JVM."""
        with contextlib.suppress(child_files.UnreadableError, FileNotFoundError):
            return f"-XX:ErrorFile={self.scratch}/" in child_files.read_text(path)
        return False


def _remove(path: Path, since: int) -> None:
    if _is_of_child(path, since):
        with contextlib.suppress(OSError):
            path.unlink()


def _is_of_child(path: Path, since: int) -> bool:
    # What a child says is a path may be none.
    with contextlib.suppress(OSError, ValueError):
        found = path.lstat()
        # A child of root may have become any user.
        own = os.geteuid() in (0, found.st_uid)
        plain = stat.S_ISREG(found.st_mode) or stat.S_ISSOCK(found.st_mode)
        return own and plain and found.st_nlink == 1 and found.st_mtime_ns >= since - _TICK
    return False
