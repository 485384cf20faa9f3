"""What runs after the fork: everything between the child's first step and its exit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .. import documents
from ..observation import Finished, TestEnded
from ..orders import Orders, RunTest
from ..settings import DUMP_SIGNAL, Settings
from ..wire import Sender
from . import faults, jvm
from .alternate_stack import AlternateStacks
from .callback import current_thread
from .hooks import ChildPlugin, TerminalWithoutHooks
from .jvm_of_child import JvmOfChild, LateStart
from .measuring import measured
from .serving import Server, Tests
from .state import ChildState


def run(tests: Tests, settings: Settings, folder: Path, sender: Sender, orders: Orders) -> None:
    """Start the JVM, then run each test that is ordered and send its reports; the caller ends the process.

    `settings` has what the JVM is started with; each test has its own.
    """
    stacks = faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL)
    stacks.arm()
    sender.send(current_thread(), soon=True)
    alternate = AlternateStacks()
    jvm_of_child = JvmOfChild(settings, folder, sender, alternate)
    try:
        if jvm.is_started() or not tests.late_jvm:
            jvm_of_child.start()
    except jvm.JvmStartError:
        return
    if not jvm_of_child.has_run:
        tests.config.pluginmanager.register(LateStart(jvm_of_child, sender), "foreign_thread_late_start")
    state = ChildState(settings, folder, sender, stacks, alternate)
    with stacks.written_at_exit(), alternate.for_this_thread():
        _serve(Server(tests, state, jvm_of_child), tests, orders)
    _flush()
    sender.send(Finished())


def _serve(server: Server, tests: Tests, orders: Orders) -> None:
    config = tests.config
    config.pluginmanager.register(ChildPlugin(config, server.state.folder, server.state.sender), "foreign_thread_child")
    _leave_reporting_to_the_parent(config)
    config.pluginmanager.register(server.ends, "foreign_thread_phase_ends")
    config.pluginmanager.register(server, "foreign_thread_server")
    file = server.state.folder / documents.COVERAGE
    measuring = measured(config, file, documents.COVERAGE_SUFFIX, tests.coverage)
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
        if server.ran_last or server.lost_its_jvm:
            return
        if order.last:
            break
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
    if manager.hasplugin("pdbinvoke"):
        # A process group in the background that reads from the terminal is stopped.
        manager.unregister(name="pdbinvoke")
