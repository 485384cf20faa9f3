"""A snapshot of this process, to find what a test has left behind. It must be cheap: one is taken after each test.

The functions are imported by name, so that a test that replaces them in their modules does not affect a snapshot.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from importlib import import_module
from locale import LC_ALL, setlocale
from os import (
    P_ALL,
    WEXITED,
    WNOHANG,
    WNOWAIT,
    environ,
    fsdecode,
    fstat,
    getcwd,
    getpriority,
    getresgid,
    getresuid,
    listdir,
    readlink,
    sched_getaffinity,
    umask,
    waitid,
)
from pathlib import Path
from resource import getrlimit
from signal import getitimer, pthread_sigmask
from typing import Any, Final

from ..channel.descriptor import Descriptor
from ..interop.asyncio_tasks import pending_tasks
from ..model.python_threads import name_of, native_id_of
from .process_state import ProcessLook

_VOLATILE: Final = frozenset({"PYTEST_CURRENT_TEST", b"PYTEST_CURRENT_TEST"})
# `signal.getsignal` makes an enum member of each result, which takes most of its time.
_getsignal: Final[Callable[[int], object]] = import_module("_signal").getsignal
_SIGNALS: Final = tuple(number for number in map(int, signal.valid_signals()) if number < 32)
"""The standard signals: few tests set a handler of another."""
_TIMERS: Final = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_MOST_PRIVATE: Final = 0o077
_HOOKS: Final = ("excepthook", "unraisablehook", "displayhook", "breakpointhook")

_OF_JVM: Final = (
    *("VM ", "Reference Handl", "Finalizer", "Signal Dispatch", "Service Thread", "Monitor Deflati", "C1 ", "C2 "),
    *("Common-Cleaner", "Training replay", "Notification Th", "Attach Listener", "GC ", "G1 ", "Sweeper", "Cleaner-"),
    *("Python Referenc", "JVMCI"),
)
"""Prefixes of the kernel's names of threads that HotSpot and JPype start at any time."""
_OF_MODES: Final = ("ForkJoinPool.co", "ForkJoinPool-1-", "VirtualThread-u", "CompletableFutu")
"""Prefixes of the names of threads that all Java code shares: the common pool, and the carriers of virtual threads."""
_DUMMY: Final = "Dummy-"
"""The prefix of Python's names for threads that Python did not start."""
_JAVA_FILES: Final = (".jar", ".jmod", "/lib/modules", ".jsa", ".aot")
"""Suffixes of files that a JVM opens at their first use and keeps open."""
_UNLINKED: Final = " (deleted)"


def _limits() -> Iterator[int]:
    """Yield the numbers of the resource limits that this system has."""
    for number in range(16):
        with contextlib.suppress(ValueError, OSError):
            getrlimit(number)
            yield number


_LIMITS: Final = tuple(_limits())


def look() -> ProcessLook:
    """Return a snapshot of this process."""
    return ProcessLook(
        state={
            "thread": frozenset(_numbers("/proc/self/task")),
            "file descriptor": frozenset(_descriptors()),
            "child process": frozenset(_children()),
            "asyncio task": pending_tasks(),
            "handler of the root logger": frozenset(map(id, logging.root.handlers)),
            "environment": frozenset(_environment()),
            "logger": frozenset(_loggers()),
            "setting": frozenset(_settings()),
        },
        modules=tuple(map(id, list(sys.modules.values()))),
    )


def _numbers(folder: str) -> list[int]:
    try:
        return [int(name) for name in listdir(folder)]
    except OSError:
        return []


class FirstFiles:
    """The files that were open before the first test: those of the plugin, of pytest, and of the project's imports."""

    def __init__(self) -> None:
        names = file_names(_descriptors())
        # An unlinked file is that of pytest's capture, which the child replaces by a file of its own.
        self._first = {Descriptor(number): name for number, name in names.items() if not name.endswith(_UNLINKED)}

    def lost(self, allowed: Container[object]) -> list[str]:
        """Return the files that were closed or replaced, except those of the descriptors that are allowed to change."""
        return [name for one, name in self._first.items() if not one.stands and one.number not in allowed]


def _descriptors() -> Iterator[int]:
    for number in _numbers("/proc/self/fd"):
        # The descriptor that listed the directory is closed already.
        with contextlib.suppress(OSError):
            fstat(number)
            yield number


def _children() -> Iterator[int]:
    try:
        # One system call tells whether there are children; WNOWAIT leaves their exit status to the test.
        waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT)
    except ChildProcessError:
        return
    for task in _numbers("/proc/self/task"):
        with contextlib.suppress(OSError, ValueError):
            yield from map(int, Path(f"/proc/self/task/{task}/children").read_text().split())


def _environment() -> Iterator[tuple[object, object]]:
    # The variables as bytes, where Python keeps them: to decode all of them would take a quarter of a snapshot.
    encoded = vars(environ).get("_data")
    pairs: Mapping[Any, Any] = encoded if isinstance(encoded, dict) else dict(environ)
    return (pair for pair in list(pairs.items()) if pair[0] not in _VOLATILE)


def _loggers() -> Iterator[tuple[object, ...]]:
    for name, one in list(logging.root.manager.loggerDict.items()):
        if isinstance(one, logging.Logger):
            yield name, one.level, one.disabled, one.propagate, len(one.handlers)


def _settings() -> Iterator[tuple[str, object]]:
    """Yield (name, value) of each setting of the process and of the interpreter."""
    yield "working directory", _current_folder()
    yield "umask", _umask()
    yield "signal handlers", tuple(id(_getsignal(number)) for number in _SIGNALS)
    yield "signal mask", frozenset(pthread_sigmask(signal.SIG_BLOCK, ()))
    yield "interval timers", tuple(getitimer(timer)[0] > 0 for timer in _TIMERS)
    yield "resource limits", tuple(map(getrlimit, _LIMITS))
    yield "user and group", (getresuid(), getresgid())
    yield "priority", getpriority(0, 0)
    yield "processors", frozenset(sched_getaffinity(0))
    yield "locale", setlocale(LC_ALL)
    yield "time zone", time.tzname
    yield "sys.path", tuple(sys.path)
    yield "import hooks", (*map(id, sys.meta_path), *map(id, sys.path_hooks), id(builtins.__import__))
    yield "trace function", (id(sys.gettrace()), id(threading.gettrace()))
    yield "profile function", (id(sys.getprofile()), id(threading.getprofile()))
    yield "hooks of sys and threading", (*(id(getattr(sys, name)) for name in _HOOKS), id(threading.excepthook))
    yield "builtins", tuple(map(id, list(vars(builtins).values())))
    yield "recursion limit", sys.getrecursionlimit()
    yield "switch interval", sys.getswitchinterval()
    yield "garbage collector", (gc.isenabled(), gc.get_threshold())
    yield "root logger", (logging.root.level, logging.root.disabled, logging.root.manager.disable)
    if (sockets := sys.modules.get("socket")) is not None:
        yield "default timeout of sockets", sockets.getdefaulttimeout()


def _current_folder() -> str | None:
    try:
        return getcwd()
    except OSError:
        return None


def _umask() -> int:
    # No cheaper way reads the umask. A file that another thread creates between the two calls is too private, never too
    # open.
    found = umask(_MOST_PRIVATE)
    umask(found)
    return found


def variable_names(variables: Iterable[object]) -> Mapping[object, str]:
    """Return the names of environment variables as text."""
    return {one: fsdecode(one) if isinstance(one, bytes) else str(one) for one in variables}


def thread_names(threads: Iterable[int]) -> Mapping[int, str]:
    """Return the names of the threads that still live, without those of the JVM and those that all Java code shares."""
    # A new thread has the kernel name of the thread that started it, which may be a Java thread. So Python's name
    # decides if Python started the thread.
    ours = {native_id_of(one): name_of(one) for one in threading.enumerate() if not name_of(one).startswith(_DUMMY)}
    found = {}
    for number in threads:
        with contextlib.suppress(OSError):
            name = Path(f"/proc/self/task/{number}/comm").read_text(errors="replace").rstrip("\n")
            if number in ours or not name.startswith((*_OF_JVM, *_OF_MODES)):
                found[number] = ours.get(number, name)
    return found


def file_names(descriptors: Iterable[int]) -> Mapping[int, str]:
    """Return the targets of the descriptors that are still open, without the JVM's own files."""
    found = {}
    for number in descriptors:
        with contextlib.suppress(OSError):
            name = readlink(f"/proc/self/fd/{number}")
            if not name.endswith(_JAVA_FILES):
                found[number] = name
    return found


Names = Callable[[Iterable[Any]], Mapping[Any, str]]
NAMES_OF: Final[Mapping[str, Names]] = {
    "thread": thread_names,
    "file descriptor": file_names,
    "environment": variable_names,
}
"""Kind → function that names the objects of this kind that count."""
