"""The fork itself and a child's first and last steps."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import re
import resource
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from os import getpid
from typing import NoReturn

from ...channel.orders import Orders
from ...channel.wire import Sender
from ...model.blame import error_text
from ...model.observation import RAISED, InternalError
from . import processes
from .signals import SignalsHeld

ChildMain = Callable[[Sender, Orders], None]
"""What the child does. Python collects no garbage in it until it says so."""

_HIGH = 200
_OF_THREADS = re.compile(r".*use of fork\(\) may lead to deadlocks")


class OpenEnds:
    """The descriptors that a pytest process holds for its living children; a new child closes those of its siblings."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._descriptors: set[int] = set()

    def add(self, *descriptors: int) -> None:
        self._descriptors.update(descriptors)

    def holds(self, descriptor: int) -> bool:
        return descriptor in self._descriptors

    def close(self, descriptor: int) -> None:
        """Also when called again: the number may be another file's by then."""
        if descriptor in self._descriptors:
            self._descriptors.discard(descriptor)
            os.close(descriptor)

    def close_all_in_child(self) -> None:
        for descriptor in tuple(self._descriptors):
            self.close(descriptor)
        # The parent held the lock while it forked; this process may supervise children of its own.
        self.lock = threading.Lock()


def flush_output() -> None:
    """What stands in Python's buffers at the fork would be written twice."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Collect no garbage while the block forks; it stays so in what is forked.

    When Python collects its own, JPype may ask Java to do so, for which a fork of a process with a JVM would wait
    without end.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def fork() -> int:
    """Raise OSError where there is no room for a process."""
    with _of_threads_unwarned():
        return os.fork()


@contextlib.contextmanager
def _of_threads_unwarned() -> Iterator[None]:
    """Let Python 3.12 and later not warn that other threads run: the user asked for a child that runs a test."""
    if getattr(sys.flags, "context_aware_warnings", 0):
        # Free-threaded builds of 3.14 and later: what is changed in here is this thread's alone.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _OF_THREADS.pattern, DeprecationWarning)
            yield
        return
    # catch_warnings() would put another list in the place of this one, and take back what other threads do meanwhile.
    filters: list[object] = warnings.filters  # type: ignore[assignment]
    ignored = ("ignore", _OF_THREADS, DeprecationWarning, None, 0)
    filters.insert(0, ignored)
    try:
        yield
    finally:
        filters.remove(ignored)


def run_child(child_main: ChildMain, messages: int, orders: int, held: SignalsHeld) -> NoReturn:
    """Be the child. Of the parent's descriptors two are left: where messages are written, and orders read."""
    status, sender = RAISED, None
    pid = getpid()
    try:
        os.setpgid(0, 0)
        sender, taken = Sender(_moved_up(messages), pid), Orders(_moved_up(orders))
        held.restore_in_child()
        child_main(sender, taken)
        status = 0
    # The process boundary: nothing may unwind into the frames of the pytest process that this is a copy of.
    except BaseException as error:
        if getpid() == pid:
            tell_error(sender, error)
    finally:
        leave(status, pid)


def tell_error(sender: Sender | None, error: BaseException) -> None:
    """Send the error that ends this child; write it to stderr where it cannot be sent."""
    if sender is not None:
        sender.send(InternalError(error_text(error, "the child")))
    if sender is None or sender.broken:
        traceback.print_exception(error)


def leave(status: int, pid: int) -> NoReturn:
    """End this process at once. A process that the test forked leaves the test's buffers to the test."""
    try:
        if getpid() == pid:
            flush_output()
    finally:
        os._exit(status)


def _moved_up(descriptor: int) -> int:
    """Tests close and reuse low descriptors."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    high = _HIGH if limit == resource.RLIM_INFINITY else min(_HIGH, limit // 2)
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, high)
    finally:
        os.close(descriptor)


def bind_to(keeper: int) -> None:
    """Let this child die with its keeper, also when the keeper died before this was asked for."""
    processes.die_with_parent()
    if os.getppid() != keeper:
        os._exit(RAISED)
