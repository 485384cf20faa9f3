"""Coverage of what runs in a child, measured into a file of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import pytest

_OPTIONS: Final = ("branch", "source", "source_pkgs", "omit", "include", "timid")
_OF_THE_WHOLE: Final = ("no-data-collected", "module-not-imported", "module-not-measured")
_CONTEXTS: Final = "_cov_contexts"
"""pytest-cov's plugin for `--cov-context=test`."""


class Measuring:
    """A plugin. It saves after each phase: what a test ran before the phase in which it died is counted."""

    def __init__(self, coverage: Any, *, by_test: bool) -> None:
        self._coverage = coverage
        self._by_test = by_test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._begin(item, "setup")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self._begin(item, "run")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._begin(item, "teardown")

    def _begin(self, item: pytest.Item, phase: str) -> None:
        self._coverage.save()
        if self._by_test:
            self._coverage.switch_context(f"{item.nodeid}|{phase}")

    def save(self) -> None:
        self._coverage.save()


def measured(config: pytest.Config, file: Path, suffix: str) -> Measuring | None:
    """Go on with the coverage that the pytest process measures, in a file of this child's; None where it measures none.

    Data that a fork has inherited is the parent's to save, and its file is one that no two processes may write.
    """
    coverage = sys.modules.get("coverage")
    outer = coverage.Coverage.current() if coverage is not None else None
    if coverage is None or outer is None:
        return None
    outer.stop()
    chosen = {name: outer.get_option(f"run:{name}") for name in _OPTIONS}
    own = coverage.Coverage(
        data_file=str(file),
        # With a suffix of its own the name is known, whatever the configuration says of parallel files.
        data_suffix=suffix,
        config_file=outer.config.config_file or False,
        concurrency=[one for one in outer.get_option("run:concurrency") if one != "multiprocessing"] or None,
        **{name: value for name, value in chosen.items() if value},
    )
    # The parent warns, of all that was measured.
    own.set_option("run:disable_warnings", [*outer.get_option("run:disable_warnings"), *_OF_THE_WHOLE])
    own.start()
    by_test = config.pluginmanager.hasplugin(_CONTEXTS)
    if by_test:
        # It would switch the one that has stopped.
        config.pluginmanager.unregister(name=_CONTEXTS)
    return Measuring(own, by_test=by_test)
