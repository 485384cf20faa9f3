"""What runs after the fork: everything between the child's first step and its exit."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

import pytest

from .. import documents
from ..observation import Finished, JvmFailed, PhaseStarted
from ..outcomes import Phase
from ..settings import DUMP_SIGNAL, Settings
from ..wire import Sender
from . import faults, jvm
from .alternate_stack import AlternateStacks
from .callback import current_thread
from .hooks import ChildPlugin, TerminalWithoutHooks
from .modes import ForeignThread
from .phase_ends import PhaseEnds
from .protocol import Protocol
from .state import CHILD, ChildState
from .uncaught import UncaughtExceptions


class _SetUpBeforeTheFork(pytest.Item):
    """Stands beside the test as the next one, so that pytest tears down the test alone."""

    def runtest(self) -> None:
        raise AssertionError("never run")


def run(item: pytest.Item, settings: Settings, folder: Path, sender: Sender, *, shares_fixtures: bool) -> None:
    """Run the test and send its reports; the caller ends the process.

    `shares_fixtures` says that the pytest process may have set up fixtures which this test uses and others will.
    """
    stacks = faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL)
    stacks.arm()
    sender.send(current_thread())
    sender.send(PhaseStarted(Phase.JVM))
    try:
        jvm.start(settings, folder)
    except jvm.JvmStartError as error:
        sender.send(JvmFailed(str(error)))
        return
    alternate = AlternateStacks()
    with stacks.written_at_exit(), alternate.for_this_thread():
        alternate.offer_to_handlers()
        _run_phases(item, ChildState(settings, folder, sender, stacks, alternate), shares_fixtures)
    sys.stdout.flush()
    sys.stderr.flush()
    sender.send(Finished())


def _run_phases(item: pytest.Item, state: ChildState, shares_fixtures: bool) -> None:
    config = item.config
    config.stash[CHILD] = state
    config.pluginmanager.register(ChildPlugin(config, state.folder, state.sender), "foreign_thread_child")
    _leave_the_terminal(config)
    _name_as_method(item)
    uncaught = UncaughtExceptions()
    uncaught.install()
    ends = PhaseEnds(uncaught)
    config.pluginmanager.register(ends, "foreign_thread_phase_ends")
    _send_body_abroad(item, state)
    parent = item.parent if shares_fixtures else None
    nextitem = _SetUpBeforeTheFork.from_parent(parent, name=item.name) if parent is not None else None
    Protocol(item, state, ends).run(nextitem)


def _leave_the_terminal(config: pytest.Config) -> None:
    manager = config.pluginmanager
    if (terminal := manager.getplugin("terminalreporter")) is not None:
        manager.unregister(terminal)
        manager.register(TerminalWithoutHooks(terminal), "terminalreporter")
    if manager.hasplugin("pdbinvoke"):
        # A process group in the background that reads from the terminal is stopped.
        manager.unregister(name="pdbinvoke")


def _name_as_method(item: pytest.Item) -> None:
    """Give a `TestCase` item of one mode the name of its method again: pytest makes the instance from it."""
    if isinstance(item, pytest.Function) and item.cls and issubclass(item.cls, unittest.TestCase):
        item.name = item.originalname
        item.obj = getattr(item.instance, item.name)


def _send_body_abroad(item: pytest.Item, state: ChildState) -> None:
    """Hand `item.runtest`, which is the body alone, to the thread that the mode names."""
    mode = state.settings.mode
    names = getattr(item, "fixturenames", None)
    if mode != "main" and names is not None and "foreign_thread" not in names:
        names.append("foreign_thread")
    body = item.runtest

    def runtest() -> None:
        __tracebackhide__ = True
        threads = getattr(item, "funcargs", {}).get("foreign_thread")
        threads = threads or ForeignThread(jvm.jpype_bridge, state, mode)
        threads.call(body, mode=mode)

    item.runtest = runtest  # type: ignore[method-assign]
