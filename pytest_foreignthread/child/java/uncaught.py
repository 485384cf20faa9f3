"""Exceptions that no one caught on a Java thread, which Java prints and forgets."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass
from typing import Any, Final

from ...channel.wire import Sender
from ...model.observation import UncaughtException
from ..pytest.plain_data import class_name
from . import jvm

_DYING_SECONDS: Final = 0.25
"""Seconds to wait for threads that are about to end."""
_LAST_STEPS: Final = ("dispatchUncaughtException", "processWorkerExit")
"""The methods of the JDK that run after the code of a thread, or of a pool's worker, has ended."""
_THREADS_OWN: Final = ("java.lang.Thread", "java.util.concurrent.ThreadPoolExecutor")


@dataclass(frozen=True)
class Uncaught:
    """An exception that no one caught on a Java thread, with the name of the thread, and the stacks as text."""

    thread: str
    error: BaseException
    stack: str

    @property
    def head(self) -> str:
        return f'uncaught on Java thread "{self.thread}": {_first_line(self.error)}'


def _first_line(error: Any) -> str:
    """Return the first line of an exception's text that is not empty; the name of its class if there is none."""
    name = class_name(type(error))
    try:
        is_java = jvm.is_java_exception(error)
        text = str(error.toString()) if is_java else "".join(traceback.format_exception_only(error))
    except BaseException as raised:  # a test's exception may do anything in its text
        return f"{name}, whose text raised {class_name(type(raised))}"
    return next((line for line in text.splitlines() if line.strip()), name)


def _uncaught(thread: str, throwable: Any) -> Uncaught:
    error = _carried(throwable)
    stack = _java_stack(throwable)
    if not jvm.is_java_exception(error):
        # Java's first line names the wrapper class that carries the Python exception, so it is dropped.
        _, _, places = stack.partition("\n")
        stack = f"{_python_stack(error)}thrown into Java:\n{places}"
    return Uncaught(thread, error, stack)


def _carried(throwable: Any) -> BaseException:
    try:
        return jvm.python_exception(throwable)
    except BaseException as raised:  # the JVM has ended meanwhile, or the throwable's text raised
        return throwable if isinstance(throwable, BaseException) else raised


def _python_stack(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as raised:  # a test's exception may do anything when it is shown
        return f"{class_name(type(error))}, whose text raised {class_name(type(raised))}\n"


def _java_stack(throwable: Any) -> str:
    try:
        writer = jvm.java("java.io.StringWriter")()
        throwable.printStackTrace(jvm.java("java.io.PrintWriter")(writer))
        return str(writer).rstrip()
    except BaseException as raised:  # a project's throwable may raise anything here
        return f"{class_name(type(throwable))}, whose printStackTrace raised {class_name(type(raised))}"


class UncaughtExceptions:
    """Collects the exceptions that no one caught on a Java thread."""

    def __init__(self, sender: Sender | None = None) -> None:
        self._sender = sender
        self._lock = threading.Lock()
        self._found: list[tuple[str, Any]] = []
        self._usual = 0
        """The number of Java threads before any test."""

    def install(self) -> None:
        """Install the handler; call once after the JVM has started."""
        jvm.set_uncaught_handler(self._add)
        self._usual = jvm.number_of_threads()

    def _add(self, thread: Any, throwable: Any) -> None:
        with self._lock:
            self._found.append((str(thread.getName()), throwable))
        # Sent at once: a test that hangs or dies never reaches the end of its phase.
        if self._sender is not None:
            found = _uncaught(str(thread.getName()), throwable)
            self._sender.send(UncaughtException(f"{found.head}\n{found.stack}"))

    def at_end_of_phase(self) -> list[Uncaught]:
        jvm.wait_while_it_exits()
        return self.take()

    def take(self) -> list[Uncaught]:
        """Return the exceptions since the last call, and forget them."""
        if jvm.is_started() and jvm.number_of_threads() > self._usual:
            _wait_for_dying_threads()
        with self._lock:
            found, self._found = self._found, []
        return [_uncaught(name, throwable) for name, throwable in found]


def _wait_for_dying_threads() -> None:
    """Wait up to 0.25 s for threads that are about to end.

    A pool reports its end before the exception of its last thread arrives.
    """
    if not jvm.is_started():
        return
    end = time.monotonic() + _DYING_SECONDS
    while time.monotonic() < end and any(map(is_dying, jvm.other_threads())):
        time.sleep(0.002)


def is_dying(thread: Any) -> bool:
    """Return whether the thread is about to end.

    This is a thread in its last steps, or a running thread without a frame of the test's code or of Python's to return
    to.
    """
    frames = list(thread.getStackTrace())
    # A pool has ended while its last worker still releases the pool's lock, for which the worker may have to wait.
    if any(str(frame.getMethodName()) in _LAST_STEPS for frame in frames):
        return True
    if str(thread.getState()) != "RUNNABLE":
        return False
    # A Python thread that used Java, if only through a garbage collection, stays on Java's list in this state forever.
    if not frames and bool(thread.isDaemon()):
        return False
    return all(str(frame.getClassName()).startswith(_THREADS_OWN) for frame in frames)
