"""Java threads that keep Python from its end: at exit JPype shuts the JVM down and waits for all non-daemon threads.

Such a run prints "4 passed", and the process then waits silently forever.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from .running_jvm import is_jpypes

SECONDS: Final = 3.0
"""Seconds that Java threads get to end by themselves before a message is printed."""
_POLL: Final = 0.05
_PROGRAMS: Final = frozenset({"pytest", "py.test"})
_PAGE: Final = (
    "https://pytest-foreignthread.readthedocs.io/en/latest/how-to/jvm-in-process/#when-the-process-does-not-end"
)


def report_java_threads_at_exit(config: pytest.Config, status: int, *, ends_process: bool) -> None:
    """Print, when Python exits, the Java threads that Python would wait for; call at the end of the run.

    With `ends_process`, also end the process with the run's exit status, if the process is pytest's own: a program that
    calls `pytest.main()` has an exit status of its own.
    """
    if is_jpypes():
        may_end = ends_process and not hasattr(config, "workerinput") and _is_pytests_own_process()
        # `atexit` calls the last registered handler first, so this one runs before JPype's.
        atexit.register(_at_exit, os.getpid(), status, may_end)


def _is_pytests_own_process() -> bool:
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    return getattr(spec, "name", "") == "pytest.__main__" or Path(getattr(main, "__file__", "")).stem in _PROGRAMS


def _at_exit(owner: int, status: int, may_end: bool) -> None:
    if os.getpid() != owner or not is_jpypes() or not _waits():
        return
    give_up = time.monotonic() + SECONDS
    while (threads := _threads()) and time.monotonic() < give_up:
        time.sleep(_POLL)
    if not threads:
        return
    words = "".join(f"{line}\n" for line in _lines(threads, status if may_end else None))
    try:
        sys.stdout.flush()
        sys.stderr.write(words)
        sys.stderr.flush()
    except (OSError, ValueError):
        # The reader of the output is gone.
        pass
    if may_end:
        os._exit(status)


def _waits() -> bool:
    """Return whether JPype shuts the JVM down at exit and waits for Java threads; a project can turn both off."""
    config: Any = sys.modules.get("jpype.config")
    return bool(getattr(config, "onexit", True) and getattr(config, "destroy_jvm", True))


def _threads() -> list[tuple[str, str]]:
    """Return (name, newest frame) of the live non-daemon Java threads, without this thread."""
    jpype: Any = sys.modules["jpype"]
    found = jpype.JClass("java.lang.Thread").getAllStackTraces()
    own = jpype.JClass("java.lang.Thread").currentThread()
    threads = [entry for entry in found.entrySet() if not entry.getKey().isDaemon() and not entry.getKey().equals(own)]
    return [(str(one.getKey().getName()), str(one.getValue()[0]) if len(one.getValue()) else "") for one in threads]


def _lines(threads: list[tuple[str, str]], status: int | None) -> Iterator[str]:
    yield "foreign-thread: the run has ended, but Java threads that are no daemons keep this process from ending:"
    for name, frame in sorted(threads):
        yield f'  "{name}"' + (f" in {frame}" if frame else "")
    if status is not None:
        yield f"foreign-thread: ending the process with status {status} (foreign_thread_end_process = true)"
        return
    yield "  Shut their pools down where they are made (ExecutorService.shutdown), or make them daemons; or set"
    yield f"  foreign_thread_end_process = true, which ends the process with the run's own status ({_PAGE})"
