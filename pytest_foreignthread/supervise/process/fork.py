"""The fork itself, and the first and last steps of a child."""

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
"""What the child runs. Garbage collection is off in the child until this function turns it on."""

# Out of the way of tests that close low descriptors, or expect the number of the file that they open.
_HIGH = 200
_OF_THREADS = re.compile(r".*use of fork\(\) may lead to deadlocks")


class OpenEnds:
    """The descriptors that the pytest process holds for its living children.

    A new child closes them all. If it kept a sibling's ends, neither the sibling nor the pytest process would see the
    end of that sibling's pipes while the new child lives.
    """

    # The lock is held from the first pipe to the fork. A fork on another thread in between would copy descriptors that
    # are not registered yet.

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._descriptors: set[int] = set()

    def add(self, *descriptors: int) -> None:
        self._descriptors.update(descriptors)

    def holds(self, descriptor: int) -> bool:
        return descriptor in self._descriptors

    def close(self, descriptor: int) -> None:
        """Close a descriptor if it is registered; if called again, do nothing, as the number may be another file's."""
        if descriptor in self._descriptors:
            self._descriptors.discard(descriptor)
            os.close(descriptor)

    def close_all_in_child(self) -> None:
        for descriptor in tuple(self._descriptors):
            self.close(descriptor)
        # The parent held the lock while it forked, and nobody releases this copy. The child may fork children of its
        # own.
        self.lock = threading.Lock()


def flush_output() -> None:
    """Flush the standard streams: both processes would write what is in their buffers at the fork."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Turn garbage collection off for the block; it stays off in a process that the block forks.

    JPype hooks Python's collector and may ask the JVM to collect as well. In the fork of a process with a JVM the
    JVM's threads are missing, and that request would wait for ever.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def fork() -> int:
    """Fork, without Python's warning of other threads; raise OSError if the system refuses."""
    with _of_threads_unwarned():
        return os.fork()


@contextlib.contextmanager
def _of_threads_unwarned() -> Iterator[None]:
    """Suppress the warning of Python 3.12 and later that other threads run.

    The user asked for a fork. `run.threads_before_fork` gives a warning of its own, which names the threads.
    """
    if getattr(sys.flags, "context_aware_warnings", 0):
        # Free-threaded builds of 3.14 and later, where catch_warnings() changes the filters of this thread only.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", _OF_THREADS.pattern, DeprecationWarning)
            yield
        return
    # catch_warnings() replaces the list of filters, and at its end drops what other threads have added in between.
    filters: list[object] = warnings.filters  # type: ignore[assignment]
    ignored = ("ignore", _OF_THREADS, DeprecationWarning, None, 0)
    filters.insert(0, ignored)
    try:
        yield
    finally:
        filters.remove(ignored)


def run_child(child_main: ChildMain, messages: int, orders: int, held: SignalsHeld) -> NoReturn:
    """Run the child; never return. `messages` and `orders` are the child's ends of its two pipes."""
    # The pid of the child: a test may fork, and its process may fall through into the code below.
    status, sender = RAISED, None
    pid = getpid()
    try:
        # The keeper does this as well: whichever comes first, neither goes on before the child has its group.
        os.setpgid(0, 0)
        sender, taken = Sender(moved_up(messages), pid), Orders(moved_up(orders))
        # Last before the child's own code: a handler that raised earlier would raise without a sender.
        held.restore_in_child()
        child_main(sender, taken)
        status = 0
    # The process boundary: nothing may unwind into the frames of the pytest process that this is a copy of.
    except BaseException as error:
        if getpid() == pid:
            send_error(sender, error)
    finally:
        leave(status, pid)


def send_error(sender: Sender | None, error: BaseException) -> None:
    """Send the error that ends this child to the pytest process; print it to stderr if it cannot be sent."""
    if sender is not None:
        sender.send(InternalError(error_text(error, "the child")))
    if sender is None or sender.broken:
        traceback.print_exception(error)


def leave(status: int, pid: int) -> NoReturn:
    """End this process at once, without Python's or the JVM's exit, which may wait for threads without end.

    `pid` is the child's. A process that the test forked, and that falls through into this code, does not flush its
    copy of the test's buffers: the text would be there twice.
    """
    try:
        if getpid() == pid:
            flush_output()
    finally:
        os._exit(status)


def moved_up(descriptor: int) -> int:
    """Move a descriptor to a high number, out of the way of tests that close or reuse low ones; return the number."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    high = _HIGH if limit == resource.RLIM_INFINITY else min(_HIGH, limit // 2)
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, high)
    finally:
        os.close(descriptor)


def bind_to(keeper: int) -> None:
    """Let the kernel kill this child as soon as its keeper dies."""
    processes.die_with_parent()
    # A keeper that died before the call above sends no signal: only the changed parent shows its death.
    if os.getppid() != keeper:
        os._exit(RAISED)
