"""The hooks of the plugin. Each makes a call or two.

What a hook calls is imported when a run needs it. Most runs of pytest have no foreign-thread test, and must not pay for
imports.
"""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from . import hookspecs
from .collect import activation
from .config import option_table, options, stash_keys
from .fixtures import (
    _foreign_thread_child,
    _foreign_thread_jvm,
    _foreign_thread_mode,
    foreign_thread,
    foreign_thread_bridge,
    foreign_thread_pyjnius_bridge,
    jvm,
)
from .interop import faulthandler_guard, running_jvm
from .interop.pytest_start import early_option
from .model import report_attribute
from .model.choices import MARKER_HELP
from .run.stash import RUN

if TYPE_CHECKING:
    from .config.chosen_options import Options
    from .jvm.archive.use import CacheOfRun
    from .run.session import Run

__all__ = [
    "_foreign_thread_child",
    "_foreign_thread_jvm",
    "_foreign_thread_mode",
    "foreign_thread",
    "foreign_thread_bridge",
    "foreign_thread_pyjnius_bridge",
    "jvm",
]

_WAKING = pytest.StashKey[threading.RLock]()
"""Guards the creation of the run's state."""
_STATUS = pytest.StashKey[int]()
"""The exit status of the run."""
_BEGAN = pytest.StashKey[bool]()
"""Whether the session has begun. From then on pytest's terminal reporter exists."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    option_table.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.stash[stash_keys.START_PATH] = tuple(sys.path)
    if options.faulthandler_choice(early_config, early_option) != "pytest":
        early_config.pluginmanager.register(faulthandler_guard.FaulthandlerApart(), faulthandler_guard.NAME)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER_HELP)
    config.stash[_WAKING] = threading.RLock()
    config.stash[stash_keys.FILTERS] = tuple(warnings.filters)
    if config.hook.pytest_foreign_thread_modes.get_hookimpls():
        from .collect.own_modes import OWN_MODES, gather

        config.stash[OWN_MODES] = gather(config)
    if options.are_given(config):
        _run(config)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    form, code = options.doctor_form(config), options.explained(config)
    if (form is None and code is None) or config.getoption("help", False):
        return None
    # Imported here because few runs call the doctor.
    from .doctor import command, explain

    return explain.run(code) if code is not None else command.run(config, str(form))


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_BEGAN] = True
    if (run := session.config.stash.get(RUN, None)) is not None:
        _add_to_terminal(session.config, run)


def _run(config: pytest.Config) -> Run:
    """Return the state of this run; the first call creates it."""
    # In xdist's controller the reports of each worker arrive on a thread of their own, so several threads may be first.
    with config.stash[_WAKING]:
        if RUN not in config.stash:
            run = _new_run(config)
            if _BEGAN in config.stash:
                _add_to_terminal(config, run)
            config.stash[RUN] = run
    return config.stash[RUN]


def _new_run(config: pytest.Config) -> Run:
    """Return a new state of the run and register the plugins that it needs. Raise UsageError for a wrong option."""
    from . import interop
    from .collect.own_modes import known_modes
    from .run.runtest_hooks import RunTestHooks
    from .run.session import Run

    chosen = options.configured(config, known_modes(config))
    config.stash[stash_keys.LIVE] = chosen.live
    run = Run(config, chosen, functools.partial(_doctors_block, config, chosen))
    config.pluginmanager.register(RunTestHooks(run), "foreign_thread_run")
    config.pluginmanager.register(run.results, "foreign_thread_results")
    interop.register(config)
    return run


def _doctors_block(config: pytest.Config, chosen: Options, cache: CacheOfRun | None) -> str:
    """Return the doctor's examination of this run, for the bundle of a failure."""
    from .collect.own_modes import OWN_MODES
    from .doctor import command, examine

    return command.block_of_run(examine.Asked(config, chosen, config.stash.get(OWN_MODES, {})), cache)


def _add_to_terminal(config: pytest.Config, run: Run) -> None:
    """Add the plugin's parts of the terminal's output; call after the session has begun.

    Without a terminal, as in an xdist worker, this function adds nothing.
    """
    from .interop.pytest_terminal import terminal_of

    terminal = terminal_of(config)
    if terminal is None:
        return
    from .collect.selection import SELECTION
    from .terminal import live_line
    from .terminal.matrix_terminal import MatrixPart
    from .terminal.sections import TerminalPart
    from .terminal.stress_terminal import StressPart

    config.pluginmanager.register(TerminalPart(terminal), "foreign_thread_terminal")
    config.pluginmanager.register(MatrixPart(terminal, run.results), "foreign_thread_matrix_terminal")
    config.pluginmanager.register(StressPart(terminal, run.results), "foreign_thread_stress_terminal")
    live_line.register(config, terminal, config.stash[SELECTION].modes)


def _has_use(config: pytest.Config, nodes: Iterable[Any]) -> bool:
    """Return whether the run needs this plugin.

    If one of these nodes is the first that does, create the run's state.
    """
    return RUN in config.stash or (activation.concerns(nodes) and _run(config) is not None)


def _is_item(node: object) -> bool:
    return isinstance(node, pytest.Item)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _has_use(metafunc.config, [metafunc.definition]):
        from .collect.items import parametrize_modes

        parametrize_modes(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.result and _has_use(collector.config, filter(_is_item, report.result)):
        from .collect.items import with_modes

        report.result = list(with_modes(report.result))
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    activation.note_deselected(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _has_use(config, items):
        _run(config).prepare(items)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    run = config.stash.get(RUN, None)
    shown = config.get_verbosity() >= 0 and not config.getoption("no_header", False)
    return list(run.header()) if run is not None and shown else []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if (run := config.stash.get(RUN, None)) is not None:
        for line in (*run.starts.summary(run.results.entries), *run.results.child_costs.lines()):
            terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_report_from_serializable(config: pytest.Config) -> Generator[None, Any, Any]:
    """Create the run's state in xdist's controller, which collects nothing.

    There, the first sign of a foreign-thread test is its report.
    """
    report = yield
    if hasattr(report, report_attribute.ATTRIBUTE):
        from .report.pytest import pytest_reports

        pytest_reports.refuse_bad_data(report)
        _run(config)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    if not hasattr(report, report_attribute.ATTRIBUTE):
        return None
    from .model.status_words import status_words

    return status_words(report)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    node.config.stash[stash_keys.ORDER] = ids


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from .interop.xdist import send_that_dist_is_each
    from .run.started import WorkerLogs

    send_that_dist_is_each(node)
    node.config.stash.setdefault(stash_keys.LOGS, WorkerLogs()).open_for(node)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Record that xdist's controller has lost a worker during a test, which may be a foreign-thread test or not."""
    config = report.node.config
    if stash_keys.LOGS in config.stash and config.stash[stash_keys.LOGS].has_entries:
        _run(config).results.worker_ended(report)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Raise in xdist's controller the UsageError that a worker has met."""
    from .interop import xdist

    if text := xdist.left_by(node).get(stash_keys.USAGE_ERROR):
        raise pytest.UsageError(text)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> Generator[None, object, object]:
    config = session.config
    if stash_keys.LOGS in config.stash and config.stash[stash_keys.LOGS].has_entries:
        _run(config)
    run = config.stash.get(RUN, None)
    config.stash[_STATUS] = int(exitstatus)
    if run is None:
        return (yield)
    run.results.settle(session, exitstatus)
    session.config.stash[_STATUS] = int(session.exitstatus)
    try:
        return (yield)
    finally:
        # After the terminal's summary, which must not be lost if a report cannot be written. In `finally`, because the
        # report must not be lost if a hook of the project raises.
        run.results.write(run.environment)


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()
    if stash_keys.LOGS in config.stash:
        config.stash[stash_keys.LOGS].close()
    if running_jvm.is_jpypes():
        # Imported here because few runs have a JVM in the pytest process.
        from .interop.java_at_exit import report_java_threads_at_exit

        report_java_threads_at_exit(config, config.stash.get(_STATUS, 0), ends_process=options.ends_process(config))
