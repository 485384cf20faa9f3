"""The calls that a test's child makes to its JVM, made once, so that the JVM loads the classes that they need."""

from __future__ import annotations

import os
from pathlib import Path

from ...channel.wire import Sender
from ...child.alternate_stack import AlternateStacks
from ...child.begun_crash import BegunCrash
from ...child.debugger.debugging import Debugging
from ...child.faults import PythonStacks
from ...child.foreign_calls import ForeignThread
from ...child.java import jvm
from ...child.java.jpype_bridge import jpype_bridge
from ...child.java.uncaught import UncaughtExceptions
from ...child.state import ChildState
from ...model.modes import TABLE
from ...model.settings import DUMP_SIGNAL, VIRTUAL_SINCE, Settings


def exercise(settings: Settings, folder: Path, *, all_modes: bool = False) -> None:
    """Start the JVM and call Python from it; with `all_modes` on each kind of thread, then end by `System.exit`.

    Raise JvmStartError, and the exceptions of callbacks.
    """
    jvm.start(settings, folder)
    uncaught = UncaughtExceptions()
    uncaught.install()
    stacks = PythonStacks(folder / "python", folder / "python_asked", DUMP_SIGNAL)
    sender = Sender(os.open(os.devnull, os.O_WRONLY), os.getpid())
    state = ChildState(
        settings, folder, sender, stacks, AlternateStacks(), Debugging(folder, sender), BegunCrash(stacks)
    )
    threads = ForeignThread(jpype_bridge, state, "new")
    for mode in _modes(settings) if all_modes else ("new",):
        threads.call(lambda: None, mode=mode)
    if all_modes:
        _die_of_an_exception()
        uncaught.take()
        # The JVM must exit to write what it has recorded. shutdownJVM() would wait for the threads of the pools.
        jvm.java("java.lang.System").exit(0)


def _modes(settings: Settings) -> tuple[str, ...]:
    has_virtual = settings.jvm is not None and (settings.jvm.release or 0) >= VIRTUAL_SINCE
    return tuple(mode.name for mode in TABLE if mode.needs_jvm and (mode.name != "virtual" or has_virtual))


def _die_of_an_exception() -> None:
    thread = jvm.java("java.lang.Thread")(jvm.runnable(jpype_bridge(_raise)))
    thread.start()
    thread.join()


def _raise() -> None:
    raise ValueError("raised on a Java thread")
