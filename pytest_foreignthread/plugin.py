"""The hooks, each a call or two."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from . import items as foreign_items
from . import markers, options, pytest_reports
from .fixtures import _foreign_thread_mode, foreign_thread, foreign_thread_bridge, jvm
from .run import RUN, Run
from .terminal import TerminalPart

__all__ = ["_foreign_thread_mode", "foreign_thread", "foreign_thread_bridge", "jvm"]


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", markers.MARKER_HELP)
    config.stash[RUN] = run = Run(config, options.configured(config))
    config.pluginmanager.register(run, "foreign_thread_run")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    terminal = session.config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        session.config.pluginmanager.register(TerminalPart(terminal), "foreign_thread_terminal")


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
    found = config.stash[RUN].jvm
    shown = config.get_verbosity() >= 0 and not config.getoption("no_header", False)
    return [f"foreign-thread: {found}"] if found is not None and shown else []


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    return item.config.stash[RUN].protocol(item, nextitem) or None


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    return pytest_reports.status_words(report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    # The terminal's summary comes first: a report that cannot be written must not take it along.
    result = yield
    session.config.stash[RUN].write_report()
    return result


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()
