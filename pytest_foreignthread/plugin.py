"""The hooks, each a call or two."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from . import hookspecs, live, markers, options, pytest_reports
from . import items as foreign_items
from .fixtures import _foreign_thread_mode, foreign_thread, foreign_thread_bridge, jvm
from .matrix_terminal import MatrixPart
from .own_modes import OWN_MODES, gather
from .run import RUN, Run
from .selection import SELECTION
from .settings import MODES
from .starts import START_PATH
from .terminal import TerminalPart

__all__ = ["_foreign_thread_mode", "foreign_thread", "foreign_thread_bridge", "jvm"]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.stash[START_PATH] = tuple(sys.path)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", markers.MARKER_HELP)
    config.stash[OWN_MODES] = own = gather(config)
    chosen = options.configured(config, (*MODES, *own))
    config.stash[live.CHOICE] = chosen["live"]
    config.stash[RUN] = run = Run(config, chosen)
    config.pluginmanager.register(run, "foreign_thread_run")
    config.pluginmanager.register(run.results, "foreign_thread_results")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        session.config.pluginmanager.register(TerminalPart(terminal), "foreign_thread_terminal")
        part = MatrixPart(terminal, session.config.stash[RUN].results)
        session.config.pluginmanager.register(part, "foreign_thread_matrix_terminal")
        live.register(session.config, terminal, session.config.stash[SELECTION].modes, foreign_items.is_foreign)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    foreign_items.parametrize_modes(metafunc)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    report.result = list(foreign_items.with_modes(report.result)) if report.result else report.result
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[RUN].prepare(items)


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    run = config.stash[RUN]
    shown = config.get_verbosity() >= 0 and not config.getoption("no_header", False)
    return list(run.starts.header(f"{run.jvm}; {run.cache}")) if run.jvm is not None and shown else []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash[RUN]
    for line in run.starts.summary(run.results.entries):
        terminalreporter.write_line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    return item.config.stash[RUN].protocol(item, nextitem) or None


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    return pytest_reports.status_words(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> Generator[None, object, object]:
    results = session.config.stash[RUN].results
    results.settle(session, exitstatus)
    result = yield
    # The terminal's summary comes first: a report that cannot be written must not take it along.
    results.write(session.config.stash[RUN].environment)
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()
