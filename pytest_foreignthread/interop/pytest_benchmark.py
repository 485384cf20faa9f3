"""pytest-benchmark prints its table in the pytest process; the benchmarks of tests in children are carried there."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest

from ..config.stash_keys import CHILD
from .pytest_fixtures import parameters_of

_NAME: Final = "benchmark"


class Beside:
    """A plugin that runs beside pytest-benchmark's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def _benchmarks(self) -> list[Any]:
        # pytest-benchmark registers its session under another name than its module.
        session: Any = self._config.pluginmanager.getplugin("pytest-benchmark")
        found: list[Any] = session.benchmarks
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if CHILD in self._config.stash:
            # Earlier benchmarks belong to the pytest process, or were sent there.
            self._benchmarks.clear()

    def pytest_foreign_thread_carry(self) -> Mapping[str, Any]:
        return {_NAME: [_plain(one) for one in self._benchmarks]}

    def pytest_foreign_thread_carried(self, item: pytest.Item, data: Mapping[str, Any] | None) -> None:
        for one in (data or {}).get(_NAME, ()):
            self._benchmarks.append(_benchmark(item, one))


def _plain(benchmark: Any) -> dict[str, Any]:
    described = benchmark.as_dict(include_data=False, stats=False)
    fields = {name: described[name] for name in ("group", "name", "fullname", "param", "extra_info", "options")}
    return {
        **fields,
        "iterations": benchmark.iterations,
        "has_error": benchmark.has_error,
        "data": benchmark.stats.data,
    }


def _benchmark(item: pytest.Item, plain: dict[str, Any]) -> Any:
    """Return a benchmark as the fixture makes it, without the counts of cProfile."""
    from pytest_benchmark.stats import Metadata

    fields = {name: plain[name] for name in ("group", "name", "fullname", "param", "extra_info", "has_error")}
    fixture = SimpleNamespace(**fields, cprofile_stats=None, params=dict(parameters_of(item)) or None)
    made = Metadata(fixture, iterations=plain["iterations"], options=plain["options"])
    made.stats.data.extend(plain["data"])
    return made
