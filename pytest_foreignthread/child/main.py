"""The main function of a child, from its first step after the fork to its exit."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..channel.orders import Orders, RunTest
from ..channel.wire import Sender
from ..interop import faulthandler_guard, monkey_patches, xdist
from ..interop.hook_calls import register_hooks
from ..interop.loops import drop_guard
from ..interop.pytest_capture import call_around_suspension, drop_if_broken
from ..interop.pytest_plugins import drop_faulthandler
from ..interop.pytest_terminal import replace_terminal
from ..interop.running_jvm import running_jvm
from ..model import documents
from ..model.checkers import checks_jni
from ..model.observation import Finished, NotServed, TestEnded
from ..model.settings import DUMP_SIGNAL, Settings
from ..supervise.child_files import no_room
from ..supervise.process.fork import flush_output
from . import collector, faults, finalization
from .alternate_stack import AlternateStacks
from .begun_crash import BegunCrash
from .callback import current_thread
from .debugger.debugging import Debugging
from .java.java_side import JavaSide
from .native import held_crash
from .pytest.hooks import ChildPlugin, TerminalWithoutHooks
from .pytest.measuring import measured
from .pytest.serving import Server, Tests
from .state import ChildState


def run(tests: Tests, settings: Settings, folder: Path, sender: Sender, orders: Orders, *, collects: bool) -> None:
    """Start the JVM, run each ordered test and send its reports; the caller ends the process.

    `settings` says how to start the JVM, or that there is none; each test has settings of its own. `collects` is
    whether Python's garbage collector, which may be off, must be on for the tests.
    """
    # In a fresh interpreter the project may have patched the standard library.
    monkey_patches.step_around()
    if not tests.fresh:
        xdist.release_pipes(tests.config)
    try:
        stacks = faults.PythonStacks(folder / documents.PYTHON, folder / documents.PYTHON_HANG, DUMP_SIGNAL)
        # The file system may have room for some files only. If not for this file, the disk is at fault, not the JVM.
        (folder / documents.JVM_START).touch()
    except OSError as error:
        sender.send(NotServed(no_room(error)))
        return
    stacks.arm()
    faulthandler_guard.write_to(tests.config, stacks.fileno())
    sender.send(named := current_thread(), soon=True)
    names = {named.native_id: named.name} if checks_jni(settings.jvm_args) else None
    crash = BegunCrash(stacks)
    state = ChildState(
        settings, folder, sender, stacks, AlternateStacks(), Debugging(folder, sender), crash, thread_names=names
    )
    java = _java_side(tests, state)
    if java is None:
        return
    if collects:
        collector.begin()
    with stacks.written_at_exit(state.crash.await_end), state.alternate.for_this_thread():
        server = Server(tests, state, java, orders, drop_if_broken(tests.config))
        _serve(server, tests, orders)
        flush_output()
        state.crash.await_end()
        if server.to_finalize is not None:
            finalization.leave(server.to_finalize, sender)
    sender.send(Finished())


def _java_side(tests: Tests, state: ChildState) -> JavaSide | None:
    """Return the Java side of this child; None if the JVM did not start, after the reason has been sent."""
    # A fork has no working JVM, even if its parent has one.
    projects = running_jvm() if tests.fresh else None
    adopted = projects is not None and projects.is_jpypes
    if state.settings.jvm is None and not adopted:
        # A JVM of the project, started by another library than JPype, keeps its handlers.
        if projects is None:
            state.stacks.arm_without_jvm(hold=held_crash.is_wanted(state.folder))
        state.alternate.offer_to_handlers()
        state.crash.forget()
        return JavaSide()
    # Imported here because the import brings jpype, which a child without a JVM does not need.
    from .java.jvm_of_child import new_jvm

    return new_jvm(tests.config, state, late=tests.fresh and not adopted)


def _serve(server: Server, tests: Tests, orders: Orders) -> None:
    config = tests.config
    drop_guard(config)
    register_hooks(config, ChildPlugin(config, server.state.folder, server.state.sender), "foreign_thread_child")
    _leave_reporting_to_the_parent(config)
    register_hooks(config, server.state.debugging, "foreign_thread_debugging")
    debugging = server.state.debugging
    # A test may suspend the capture to ask the user itself. Such a test gets the terminal and the time of a debugger.
    call_around_suspension(config, debugging.take, debugging.give_back)
    register_hooks(config, server.ends, "foreign_thread_phase_ends")
    register_hooks(config, server, "foreign_thread_server")
    file = server.state.folder / documents.COVERAGE
    measuring = measured(config, file, documents.COVERAGE_SUFFIX, tests.coverage)
    if measuring is not None:
        register_hooks(config, measuring, "foreign_thread_measuring")
    try:
        _take_orders(server, orders)
    finally:
        if measuring is not None:
            measuring.save()


def _take_orders(server: Server, orders: Orders) -> None:
    last = None
    for order in orders:
        if not isinstance(order, RunTest):
            last = order.item
            break
        server.state.crash.await_end()
        server.run(order)
        if server.ran_last:
            return
        if order.last:
            break
        flush_output()
        server.send_leftovers()
        if not server.can_be_ordered:
            return
        server.state.sender.send(TestEnded())
    server.finish(last)


def _leave_reporting_to_the_parent(config: pytest.Config) -> None:
    replace_terminal(config, TerminalWithoutHooks)
    xdist.leave_reporting_to_worker(config)
    # A child needs no watchdog of faulthandler's: the parent holds a deadline for each phase.
    drop_faulthandler(config)
