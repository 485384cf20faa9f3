"""The program of a fresh interpreter: it starts pytest, then runs the tests that are ordered, like a forked child."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import traceback
import warnings
from collections.abc import Callable
from os import getpid
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest

from ..channel.orders import Orders
from ..channel.wire import Sender
from ..child import faults
from ..child import main as child
from ..child.output import OutputPutAside
from ..child.pytest.serving import Tests
from ..config.stash_keys import FRESH, SETTINGS
from ..interop import faulthandler_guard
from ..interop.pytest_terminal import terminal_of
from ..interop.xdist import become_worker
from ..model import documents
from ..model.observation import RAISED, NotServed
from ..model.settings import DUMP_SIGNAL
from ..supervise.child_files import no_room
from ..supervise.process.fork import leave, send_error
from . import spawn_start
from .spawn_start import FreshStart
from .stash import RUN

_LAST_LINES: Final = 40
"""Lines of pytest's output that the error shows, if pytest ended before it ran a test."""
_MOST_NAMED: Final = 10
"""Node ids that the error names, if the ordered test is not among the collected tests."""


def main(folder: str, messages: str, orders: str) -> NoReturn:
    """Run the child. `messages` and `orders` are the numbers of the descriptors of its two pipes."""
    # Inherited across the exec that started this interpreter; programs that a test starts must not inherit them.
    for descriptor in (int(messages), int(orders)):
        os.set_inheritable(descriptor, False)
    scratch, sender = Path(folder), Sender(int(messages), getpid())
    # A conftest may start a JVM before this plugin's code runs again. Before that, faulthandler must be enabled and the
    # fatal signals be left to HotSpot: otherwise a crash has no Python stacks, or no error log of the JVM.
    try:
        early = faults.PythonStacks(scratch / documents.PYTHON, scratch / documents.PYTHON_HANG, DUMP_SIGNAL)
        output = OutputPutAside(scratch)
    except OSError as error:
        sender.send(NotServed(no_room(error)))
        leave(RAISED, getpid())
    early.arm()
    faults.leave_to_hotspot()
    _leave_after(sender, lambda: _start(scratch, sender, Orders(int(orders)), early, output))


def _start(folder: Path, sender: Sender, orders: Orders, early: faults.PythonStacks, output: OutputPutAside) -> None:
    start: FreshStart = pickle.loads((folder / spawn_start.FILE).read_bytes())
    os.chdir(start.folder)
    sys.argv[:] = start.argv
    fresh = FreshPytest(start, folder, sender, orders, output, early)
    status: object = pytest.ExitCode.INTERNAL_ERROR
    try:
        status = pytest.main(list(start.args), plugins=[fresh])
    # A conftest may raise anything; some raise SystemExit.
    except BaseException:
        traceback.print_exc()
    lines = output.text().strip().splitlines()[-_LAST_LINES:]
    sender.send(NotServed("\n".join([f"pytest ended before its tests in a fresh interpreter: {status!s}", *lines])))


def _leave_after(sender: Sender, action: Callable[[], None]) -> NoReturn:
    """Call `action`, then end this process at once: the hooks of a session's end belong to the pytest process."""
    status, pid = RAISED, getpid()
    try:
        action()
        status = 0
    # The process boundary: nothing may unwind into pytest, which would report it as its own error.
    except BaseException as error:
        if getpid() == pid:
            send_error(sender, error)
    finally:
        leave(status, pid)


class FreshPytest:
    """A plugin for the fresh pytest, which starts as it did for the user, and whose loop over the tests it replaces."""

    def __init__(
        self,
        start: FreshStart,
        folder: Path,
        sender: Sender,
        orders: Orders,
        output: OutputPutAside,
        stacks: faults.PythonStacks,
    ) -> None:
        self._start = start
        self._folder = folder
        self._sender = sender
        self._orders = orders
        self._output = output
        self._stacks = stacks
        self._filters: tuple[Any, ...] = ()
        self._items: dict[str, pytest.Item] = {}
        self._errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        # pytest_foreignthread's own plugin was registered after this one, so its hook has already registered the guard.
        faulthandler_guard.write_to(early_config, self._stacks.fileno())

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> None:
        config.stash[FRESH] = True
        if self._start.worker_input is not None:
            become_worker(config, self._start.worker_input)
        for name, value in self._start.options.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        self._filters = tuple(warnings.filters)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        session.config.args = list(self._start.files)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._errors.append(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        # Taken before other plugins deselect items: a plugin that chooses by the number of tests (a shard, for example)
        # would choose other tests here, where only some files are collected.
        self._add(items)

    def _add(self, items: list[pytest.Item]) -> None:
        for item in items:
            self._items.setdefault(item.nodeid, item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        _leave_after(self._sender, lambda: self._serve(session))

    def _serve(self, session: pytest.Session) -> None:
        config, settings = session.config, self._start.settings
        self._add(session.items)
        if (run := config.stash.get(RUN, None)) is not None:
            run.give_settings(list(self._items.values()), settings.jvm)
        tests = Tests(
            config=config,
            items=self._items,
            settings=SETTINGS,
            forked_in=None,
            shares_fixtures=False,
            filters=self._filters,
            fresh=True,
            coverage=self._start.coverage,
            why_missing=self._why_missing,
        )
        if terminal_of(config) is not None:
            config.get_terminal_writer().hasmarkup = self._start.colours
        self._output.put_back()
        child.run(tests, settings, self._folder, self._sender, self._orders, collects=gc.isenabled())

    def _why_missing(self, nodeid: object) -> str:
        if self._errors:
            return "\n".join([f"its file could not be collected in a fresh interpreter: {nodeid}", *self._errors])
        names = [*self._items][:_MOST_NAMED]
        rest = f" and {len(self._items) - len(names)} more" if len(self._items) > len(names) else ""
        return (
            f"a fresh interpreter collected the file again, and found no test {nodeid}; it found "
            f"{', '.join(names) or 'none'}{rest}: give the test an id that is the same in each process"
        )
