"""The end of a child by finalization of its interpreter, as a program ends; this is a phase of its own."""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from os import getpid
from typing import Any, Final, NoReturn

import pytest

from ..channel.wire import Sender
from ..interop.pytest_capture import captured_as
from ..model.observation import PhaseStarted, ThreadNamed, WarningRecorded
from ..model.outcomes import Phase
from ..model.python_threads import ident_of, name_of, native_id_of
from .dropped_text import place_text, stack_text, thread_name

_UNRAISABLE: Final = "PytestUnraisableExceptionWarning"
_OF_THREAD: Final = "PytestUnhandledThreadExceptionWarning"


def leave(item: pytest.Item, sender: Sender) -> NoReturn:
    """End this process as Python ends a program: join threads, call `atexit` handlers, finalize the interpreter.

    `Py_Exit` does not unwind the stack. The frames below belong to the pytest process that this process was forked
    from, and their `finally` blocks must not run here. The objects that these frames hold are not finalized.
    """
    sender.send(PhaseStarted(Phase.EXIT))
    # A greenlet, which is a thread for a patched `threading`, has no id or that of the main thread.
    greenlets = (None, getpid())
    for thread in threading.enumerate():
        if thread is threading.main_thread() or (native_id := native_id_of(thread)) in greenlets:
            continue
        # For a thread that Python did not start, the kernel has a better name than Python.
        if not name_of(thread).startswith("Dummy-"):
            sender.send(ThreadNamed(ident_of(thread) or 0, native_id or 0, name_of(thread), joined=not thread.daemon))
    _send_dropped(sender)
    # This context is never left: all further output must stay in the child's files.
    captured = captured_as(item.config, Phase.EXIT.value, item)
    captured.__enter__()
    ctypes.pythonapi.Py_Exit(0)
    raise AssertionError("Py_Exit returned")


def _send_dropped(sender: Sender) -> None:
    """Send what a thread or an `atexit` handler raises from here on as a warning of the test.

    During finalization itself modules are emptied, so formatting may fail; there only Python's own hooks run.
    """
    thread_hook, unraisable_hook, is_finalizing = threading.__excepthook__, sys.__unraisablehook__, sys.is_finalizing
    warn = _warner(sender)

    def send_of_thread(arguments: Any) -> None:
        if not is_finalizing() and arguments.exc_type is not SystemExit:
            warn(_OF_THREAD, f"Exception in thread {thread_name(arguments)}", arguments)
        thread_hook(arguments)

    def send_unraisable(arguments: Any) -> None:
        if not is_finalizing():
            warn(_UNRAISABLE, place_text(arguments), arguments)
        unraisable_hook(arguments)

    threading.excepthook, sys.unraisablehook = send_of_thread, send_unraisable


def _warner(sender: Sender) -> Callable[[str, str, Any], None]:
    def warn(category: str, head: str, arguments: Any) -> None:
        frames = traceback.extract_tb(arguments.exc_traceback)
        file, line = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
        sender.send(
            WarningRecorded("pytest", category, f"{head}\n\n{stack_text(arguments)}", file, line, Phase.EXIT.value)
        )

    return warn
