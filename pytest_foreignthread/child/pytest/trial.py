"""The work of a doctor's child: start the JVM, and let Java call back in one mode after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from ...channel.orders import Orders
from ...channel.wire import Sender
from ...model import documents
from ...model.observation import Finished, JvmFailed, PhaseStarted, TestEnded, Tried
from ...model.outcomes import Phase
from ...model.settings import DUMP_SIGNAL, Settings
from .. import faults, handlers
from ..alternate_stack import AlternateStacks
from ..begun_crash import BegunCrash
from ..callback import current_thread
from ..debugger.debugging import Debugging
from ..foreign_calls import ForeignThread
from ..java import jvm
from ..java.jpype_bridge import jpype_bridge
from ..java.uncaught import UncaughtExceptions
from ..output import diverted
from ..state import ChildState

JVM: Final = "JVM"
SIGNALS: Final = "signals"


def run(modes: Sequence[str], settings: Settings, folder: Path, sender: Sender, orders: Orders) -> None:
    """Run each trial and send its result, then wait until the order ends; meanwhile the parent looks at this process.

    Nothing is written to the terminal.
    """
    stacks = faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL)
    stacks.arm()
    sender.send(current_thread(), soon=True)
    with diverted(folder / documents.STDERR):
        sender.send(PhaseStarted(Phase.JVM))
        try:
            sender.send(_start(settings, folder))
        except jvm.JvmStartError as error:
            sender.send(JvmFailed(str(error)))
            return
        alternate = AlternateStacks()
        with stacks.written_at_exit(), alternate.for_this_thread():
            alternate.offer_to_handlers()
            state = ChildState(
                settings, folder, sender, stacks, alternate, Debugging(folder, sender), BegunCrash(stacks)
            )
            _try_all(modes, state)
            sender.send(TestEnded())
            next(iter(orders), None)
    sender.send(Finished())


def _start(settings: Settings, folder: Path) -> Tried:
    began = time.perf_counter()
    jvm.start(settings, folder)
    seconds = time.perf_counter() - began
    UncaughtExceptions().install()
    property_of = jvm.java("java.lang.System").getProperty
    return Tried(
        JVM, "passed", f"{property_of('java.vm.name')} {property_of('java.vm.version')}", _microseconds(seconds)
    )


def _try_all(modes: Sequence[str], state: ChildState) -> None:
    found = handlers.owners()
    words = ", ".join(f"{name}: {owner}" for name, owner in found.items())
    state.sender.send(Tried(SIGNALS, "passed" if handlers.are_wanted(found) else "failed", words))
    threads = ForeignThread(jpype_bridge, state, "new")
    for mode in modes:
        state.sender.send(PhaseStarted(Phase.CALL))
        state.sender.send(_tried(threads, mode))


def _tried(threads: ForeignThread, mode: str) -> Tried:
    """Return the result of one mode. The time is that of a second callback, because the first one loads classes."""
    try:
        threads.call(_nothing, mode=mode)
        began = time.perf_counter()
        threads.call(_nothing, mode=mode)
        return Tried(mode, "passed", "", _microseconds(time.perf_counter() - began))
    except pytest.skip.Exception as skipped:
        return Tried(mode, "skipped", str(skipped))
    # Any exception of a project's own launcher, or of Java, is the result of the trial.
    except Exception as error:
        return Tried(mode, "failed", f"{type(error).__name__}: {error}")


def _nothing() -> None:
    pass


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
