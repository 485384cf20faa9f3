"""pytest-benchmark shows its table in the pytest process; tests in children have theirs there."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import pytest

from ..config.stash_keys import CHILD
from .pytest_fixtures import parameters_of

_NAME: Final = "benchmark"


class Beside:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def _benchmarks(self) -> list[Any]:
        # It registers its session under a name other than the module's.
        session: Any = self._config.pluginmanager.getplugin("pytest-benchmark")
        found: list[Any] = session.benchmarks
        return found

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        if CHILD in self._config.stash:
            # Those of the tests before are the pytest process's, or have gone there.
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
    """Make one as the fixture does. What cProfile counted is not there."""
    from pytest_benchmark.stats import Metadata

    fields = {name: plain[name] for name in ("group", "name", "fullname", "param", "extra_info", "has_error")}
    fixture = SimpleNamespace(**fields, cprofile_stats=None, params=dict(parameters_of(item)) or None)
    made = Metadata(fixture, iterations=plain["iterations"], options=plain["options"])
    made.stats.data.extend(plain["data"])
    return made
