"""A Python callable on its way to a foreign thread, and its result on the way back."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from os import getpid
from typing import Any, Final, Generic, TypeVar

from ..channel.wire import Sender
from ..model.blame import error_text
from ..model.observation import InternalError, ThreadNamed
from ..model.python_threads import ident_of, name_of
from .alternate_stack import AlternateStacks
from .exceptions import null_result_text
from .faults import PythonStacks
from .late_cancel import LateCancel
from .thread_values import Submitter, ThreadValues

T = TypeVar("T")

_PR_GET_NAME: Final = 16
_NAME_SIZE: Final = 16
# These functions keep the GIL. The call takes a microsecond; if it released the GIL, another thread could take the GIL
# and keep it for a whole switch interval.
_PYTHONS_LIBC: Final = ctypes.PyDLL(None)

Bridge = Callable[[Callable[[], None]], Any]
"""Turns a Python callable of no arguments into a `java.lang.Runnable`."""


class Callback(Generic[T]):
    """A callable without arguments, for any thread; `future` receives what the function returned or raised.

    The function runs at the first call only, and never if `future` is cancelled before. A call never raises: Java would
    print and drop the exception, and what another bridge does with it is unknown.
    """

    def __init__(
        self,
        function: Callable[[], T],
        sender: Sender,
        stacks: PythonStacks | None = None,
        alternate: AlternateStacks | None = None,
        values: ThreadValues | None = None,
        names: dict[int, str] | None = None,
        late_cancel: LateCancel | None = None,
    ) -> None:
        """`names`, if given, receives the name of the thread on which the function runs, by the kernel's id."""
        self._function = function
        self._alternate = alternate or AlternateStacks()
        self._sender = sender
        self._stacks = stacks
        self._values = values or ThreadValues()
        self._names = names
        self._submitter = Submitter(is_main_thread=is_main_thread())
        self._owner = getpid()
        self._lock = threading.Lock()
        self.calls = 0
        self.late_cancel = late_cancel
        self.future: Future[T] = Future()

    def __call__(self) -> None:
        __tracebackhide__ = True
        if not self._may_begin():
            return
        if self.late_cancel is not None:
            self.late_cancel.begun.set_result(None)
        try:
            trace_as_python_threads_do()
            self._sender.send(named := current_thread())
            if self._names is not None:
                self._names[named.native_id] = named.name
            with self._alternate.for_this_thread():
                value = self._function()
            self._keep_names()
        except BaseException as error:
            self._leave_if_forked(1)
            try:
                self._explain(error)
            # Whoever waits for the future would wait forever, and the fault would look like a hang of the test.
            except BaseException as own:
                self._sender.send(InternalError(error_text(own, "the child")))
            finally:
                self.future.set_exception(error)
        else:
            self._leave_if_forked(0)
            self.future.set_result(value)
        if self.late_cancel is not None:
            self.late_cancel.wait()

    def _may_begin(self) -> bool:
        with self._lock:
            self.calls += 1
            return self.calls == 1 and self.future.set_running_or_notify_cancel()

    def _explain(self, error: BaseException) -> None:
        if not is_main_thread():
            self._values.explain(error, self._submitter)
            self._keep_names()
        if self._stacks is not None and null_result_text(error) is not None:
            self._stacks.write_for(error)

    def _keep_names(self) -> None:
        if not is_main_thread():
            self._values.keep_names()

    def _leave_if_forked(self, status: int) -> None:
        # A process forked on a Java thread has neither the other threads nor a working JVM, so it must not return into
        # Java. A process forked on the main thread would run the rest of the test a second time.
        if getpid() != self._owner:
            os._exit(status)


def trace_as_python_threads_do() -> None:
    """Set the trace and profile functions on this thread, as `threading` does on each thread that it starts.

    Coverage and debuggers rely on this. Threads that Java or C made do not run the bootstrap of `threading`.
    """
    if is_main_thread():
        return
    if (trace := threading.gettrace()) is not None and sys.gettrace() is None:
        sys.settrace(trace)
    if (profile := threading.getprofile()) is not None and sys.getprofile() is None:
        sys.setprofile(profile)


def is_main_thread() -> bool:
    """Return whether this is the main thread of the process; a forked child's main thread is the one that forked."""
    return threading.get_native_id() == getpid()


def current_thread() -> ThreadNamed:
    """Return the message that names this thread."""
    native_id = threading.get_native_id()
    if is_main_thread():
        return ThreadNamed(threading.get_ident(), native_id, "MainThread")
    name = _name_by_python(threading.get_ident()) or _kernel_name() or name_of(threading.current_thread())
    return ThreadNamed(threading.get_ident(), native_id, name)


def _name_by_python(ident: int) -> str | None:
    """Return the name of a thread that `threading` started; None for others, for which Python makes up a name."""
    names = (name_of(thread) for thread in threading.enumerate() if ident_of(thread) == ident)
    return next((name for name in names if not name.startswith("Dummy-")), None)


def _kernel_name() -> str | None:
    """Return this thread's name in the kernel, at most 15 bytes; None if the kernel cannot be asked.

    HotSpot copies the names of its threads there. To ask Java would mean a call through the bridge under test.
    """
    if (prctl := getattr(_PYTHONS_LIBC, "prctl", None)) is not None:
        name = ctypes.create_string_buffer(_NAME_SIZE)
        if prctl(_PR_GET_NAME, name, *[ctypes.c_ulong(0)] * 3) == 0:
            return name.value.decode("utf-8", "replace")
    return None
