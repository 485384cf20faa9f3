"""What runs after the fork: everything between the child's first step and its exit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .. import documents
from ..loops import IN_CHILDREN
from ..observation import Finished, JvmFailed, PhaseStarted, TestEnded
from ..orders import Orders, RunTest
from ..outcomes import Phase
from ..settings import DUMP_SIGNAL, Settings
from ..wire import Sender
from . import faults
from .alternate_stack import AlternateStacks
from .callback import current_thread
from .debugging import Debugging
from .hooks import ChildPlugin, TerminalWithoutHooks
from .java_side import JavaSide, without_jvm
from .measuring import measured
from .serving import Server, Tests
from .state import ChildState


def run(tests: Tests, settings: Settings, folder: Path, sender: Sender, orders: Orders) -> None:
    """Start the JVM, then run each test that is ordered and send its reports; the caller ends the process.

    `settings` has what the JVM is started with, or that there is to be none; each test has its own.
    """
    stacks = faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL)
    stacks.arm()
    sender.send(current_thread(), soon=True)
    if not _jvm_starts(settings, folder, sender):
        return
    alternate = AlternateStacks()
    with stacks.written_at_exit(), alternate.for_this_thread():
        alternate.offer_to_handlers()
        state = ChildState(settings, folder, sender, stacks, alternate, Debugging(folder, sender))
        _serve(Server(tests, state, _java_side(settings)), tests.config, orders)
    _flush()
    sender.send(Finished())


def _jvm_starts(settings: Settings, folder: Path, sender: Sender) -> bool:
    """Whether the JVM runs that the tests are to have, if any; where it does not, the reason has been sent."""
    if settings.jvm is None:
        return True
    # Imported here, jpype with it: a child without a JVM does without.
    from . import jvm

    sender.send(PhaseStarted(Phase.JVM))
    try:
        jvm.start(settings, folder)
    except jvm.JvmStartError as error:
        sender.send(JvmFailed(str(error)))
        return False
    return True


def _java_side(settings: Settings) -> JavaSide:
    if settings.jvm is None:
        return without_jvm()
    from .uncaught import watched_java

    return watched_java()


def _serve(server: Server, config: pytest.Config, orders: Orders) -> None:
    config.pluginmanager.unregister(name=IN_CHILDREN)
    config.pluginmanager.register(ChildPlugin(config, server.state.folder, server.state.sender), "foreign_thread_child")
    _leave_reporting_to_the_parent(config)
    config.pluginmanager.register(server.state.debugging, "foreign_thread_debugging")
    server.state.debugging.ask_before(config.pluginmanager.getplugin("capturemanager"))
    config.pluginmanager.register(server.ends, "foreign_thread_phase_ends")
    config.pluginmanager.register(server, "foreign_thread_server")
    measuring = measured(config, server.state.folder / documents.COVERAGE, documents.COVERAGE_SUFFIX)
    if measuring is not None:
        config.pluginmanager.register(measuring, "foreign_thread_measuring")
    try:
        _take_orders(server, orders)
    finally:
        if measuring is not None:
            measuring.save()


def _take_orders(server: Server, orders: Orders) -> None:
    for order in orders:
        if not isinstance(order, RunTest):
            break
        server.run(order)
        # A test that shut the JVM down leaves none for the next.
        if order.last or not server.java.can_go_on():
            return
        _flush()
        server.state.sender.send(TestEnded())
    server.finish()


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _leave_reporting_to_the_parent(config: pytest.Config) -> None:
    manager = config.pluginmanager
    if (terminal := manager.getplugin("terminalreporter")) is not None:
        manager.unregister(terminal)
        manager.register(TerminalWithoutHooks(terminal), "terminalreporter")
    for plugin in manager.get_plugins():
        # xdist's worker would send its controller, through the parent's pipe, what the parent sends as well.
        if type(plugin).__name__ == "WorkerInteractor":
            manager.unregister(plugin)
    if manager.hasplugin("faulthandler"):
        # To start its watchdog, for `faulthandler_timeout`, it waits for the end of the one before, a thread that the
        # fork has not copied. A child has a deadline anyway.
        manager.unregister(name="faulthandler")
