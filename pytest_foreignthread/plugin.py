"""The hooks, each a call or two. What they call is imported once a run has a use for it, which most have not."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from . import hookspecs, options, standby
from .choices import MARKER_HELP
from .fixtures import _foreign_thread_child, _foreign_thread_mode, foreign_thread, foreign_thread_bridge, jvm
from .in_process import apart, running_jvm

if TYPE_CHECKING:
    from .run import Run

__all__ = ["_foreign_thread_child", "_foreign_thread_mode", "foreign_thread", "foreign_thread_bridge", "jvm"]

RUN = pytest.StashKey["Run"]()
"""Only a run that has a use for it has one."""
_WAKING = pytest.StashKey[threading.RLock]()
_STATUS = pytest.StashKey[int]()
"""The exit status of the run."""
_BEGAN = pytest.StashKey[bool]()
"""Whether the session has begun, and with it the terminal's part of pytest."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.stash[standby.START_PATH] = tuple(sys.path)
    if options.faulthandler_choice(early_config) != "pytest":
        early_config.pluginmanager.register(apart.FaulthandlerApart(), apart.NAME)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER_HELP)
    config.stash[_WAKING] = threading.RLock()
    config.stash[standby.FILTERS] = tuple(warnings.filters)
    if config.hook.pytest_foreign_thread_modes.get_hookimpls():
        from .own_modes import OWN_MODES, gather

        config.stash[OWN_MODES] = gather(config)
    if options.are_given(config):
        _run(config)


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    form = options.doctor_form(config)
    if form is None or config.getoption("help", False):
        return None
    # Imported here, as it is asked for once in a while.
    from .doctor import command

    return command.run(config, form)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_BEGAN] = True
    if (run := session.config.stash.get(RUN, None)) is not None:
        _add_to_terminal(session.config, run)


def _run(config: pytest.Config) -> Run:
    """Return what the run holds; it is made for the first who asks."""
    # In xdist's controller the reports of each worker arrive on a thread of their own.
    with config.stash[_WAKING]:
        if RUN not in config.stash:
            from .waking import woken

            run = woken(config)
            if _BEGAN in config.stash:
                _add_to_terminal(config, run)
            config.stash[RUN] = run
    return config.stash[RUN]


def _add_to_terminal(config: pytest.Config, run: Run) -> None:
    from .waking import add_to_terminal

    add_to_terminal(config, run)


def _has_use(config: pytest.Config, nodes: Iterable[Any]) -> bool:
    """Whether the run has a use for this plugin, be it for the first of these nodes."""
    return RUN in config.stash or (standby.concerns(nodes) and _run(config) is not None)


def _is_item(node: object) -> bool:
    return isinstance(node, pytest.Item)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if _has_use(metafunc.config, [metafunc.definition]):
        from .items import parametrize_modes

        parametrize_modes(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.result and _has_use(collector.config, filter(_is_item, report.result)):
        from .items import with_modes

        report.result = list(with_modes(report.result))
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    standby.note_deselected(items)


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
        for line in run.starts.summary(run.results.entries):
            terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(config: pytest.Config, data: dict[str, Any]) -> None:
    """In xdist's controller, which collects nothing, a report is the first that is seen of a foreign-thread test."""
    if RUN not in config.stash and standby.ATTRIBUTE in data:
        _run(config)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    if not hasattr(report, standby.ATTRIBUTE):
        return None
    from .pytest_reports import status_words

    return status_words(report)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    node.config.stash[standby.ORDER] = ids


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from .started import WorkerLogs

    node.config.stash.setdefault(standby.LOGS, WorkerLogs()).open_for(node)


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """xdist's controller has lost a worker amid a test, be it a foreign-thread test or not."""
    config = report.node.config
    if standby.LOGS in config.stash and config.stash[standby.LOGS].has_entries:
        _run(config).results.worker_ended(report)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Raise in xdist's controller the UsageError that a worker met."""
    if text := getattr(node, "workeroutput", {}).get(standby.USAGE_ERROR):
        raise pytest.UsageError(text)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> Generator[None, object, object]:
    config = session.config
    if standby.LOGS in config.stash and config.stash[standby.LOGS].has_entries:
        _run(config)
    run = config.stash.get(RUN, None)
    config.stash[_STATUS] = int(exitstatus)
    if run is None:
        return (yield)
    run.results.settle(session, exitstatus)
    session.config.stash[_STATUS] = int(session.exitstatus)
    result = yield
    # The terminal's summary comes first: a report that cannot be written must not take it along.
    run.results.write(run.environment)
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()
    if standby.LOGS in config.stash:
        config.stash[standby.LOGS].close()
    if running_jvm.is_jpypes():
        # Imported here: few runs of pytest have a JVM in their own process.
        from .in_process.java_at_exit import tell_at_exit

        tell_at_exit(config, config.stash.get(_STATUS, 0), ends_process=options.ends_process(config))
