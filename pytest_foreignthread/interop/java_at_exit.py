"""Java threads that keep Python from ending: JPype shuts the JVM down at exit, and waits for those that are no daemons.

A run then ends with "4 passed", and the process goes on in silence, for ever.
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
"""Seconds that Java threads have to end by themselves, before a word is said."""
_POLL: Final = 0.05
_PROGRAMS: Final = frozenset({"pytest", "py.test"})
_PAGE: Final = (
    "https://pytest-foreignthread.readthedocs.io/en/latest/how-to/jvm-in-process/#when-the-process-does-not-end"
)


def tell_at_exit(config: pytest.Config, status: int, *, ends_process: bool) -> None:
    """Call at the end of the run. Once Python exits, name the Java threads that it would wait for.

    With `ends_process` end the process then, with the run's exit status, where it is pytest's own: a program that calls
    `pytest.main()` has a status of its own.
    """
    if is_jpypes():
        may_end = ends_process and not hasattr(config, "workerinput") and _is_pytests_own_process()
        # Those that were registered last are called first: this one before JPype's.
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
        # Whoever read it has gone.
        pass
    if may_end:
        os._exit(status)


def _waits() -> bool:
    """Whether JPype shuts the JVM down at exit, and waits for Java's threads: a project may have told it not to."""
    config: Any = sys.modules.get("jpype.config")
    return bool(getattr(config, "onexit", True) and getattr(config, "destroy_jvm", True))


def _threads() -> list[tuple[str, str]]:
    """Return name and newest frame of the living Java threads, but this one, that are no daemons."""
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
