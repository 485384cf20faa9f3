"""Measures the coverage of a child into a file of its own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from ...interop import pytest_cov

_OPTIONS: Final = ("branch", "source", "source_pkgs", "omit", "include", "timid")
_OF_THE_WHOLE: Final = ("no-data-collected", "module-not-imported", "module-not-measured")


@dataclass(frozen=True)
class CoverageOptions:
    """How coverage measures a process."""

    chosen: Mapping[str, Any]
    config_file: str | bool
    concurrency: list[str] | None
    disable_warnings: list[str]
    by_test: bool
    """Whether each line is recorded for the test that ran it."""


class Measuring:
    """A plugin that saves at the start of each phase.

    So the phases before the phase in which a test dies are counted.
    """

    def __init__(self, coverage: Any, config: pytest.Config, *, by_test: bool) -> None:
        self._coverage = coverage
        self._config = config
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
        self.save()
        if self._by_test:
            self._coverage.switch_context(f"{item.nodeid}|{phase}")

    def save(self) -> None:
        """Save the data; a failure becomes a warning."""
        try:
            self._coverage.save()
        # A test may have removed the file, or the disk may be full. The error is not the test's, whichever it is.
        except Exception as error:
            self._warn(f"coverage of a child could not be saved: {error}")

    def _warn(self, text: str) -> None:
        # Not warnings.warn(), which raises under `-W error`.
        message = warnings.WarningMessage(pytest.PytestWarning(text), pytest.PytestWarning, __file__, 0)
        self._config.hook.pytest_warning_recorded(warning_message=message, nodeid="", when="runtest", location=None)


def coverage_options(config: pytest.Config) -> CoverageOptions | None:
    """Return how this process is measured; None if it is not."""
    if (outer := pytest_cov.running_coverage()) is None:
        return None
    chosen = {name: outer.get_option(f"run:{name}") for name in _OPTIONS}
    return CoverageOptions(
        {name: value for name, value in chosen.items() if value},
        pytest_cov.config_file_of(outer),
        [one for one in outer.get_option("run:concurrency") if one != "multiprocessing"] or None,
        # The parent gives these warnings, for the data of all processes.
        [*outer.get_option("run:disable_warnings"), *_OF_THE_WHOLE],
        pytest_cov.measures_by_test(config),
    )


def measured(config: pytest.Config, file: Path, suffix: str, given: CoverageOptions | None = None) -> Measuring | None:
    """Measure this child into its own file, as the pytest process is measured; return None if that is not measured.

    The data that a fork has inherited is the parent's to save, and two processes must not write one file. A process
    that is no fork gets the options in `given`.
    """
    options = given or coverage_options(config)
    if (outer := pytest_cov.running_coverage()) is not None:
        outer.stop()
    if options is None:
        return None
    import coverage

    # With an explicit suffix the file's name is known, even if the configuration asks for parallel files.
    own = coverage.Coverage(
        data_file=str(file),
        data_suffix=suffix,
        config_file=options.config_file,
        concurrency=options.concurrency,
        **options.chosen,
    )
    own.set_option("run:disable_warnings", options.disable_warnings)
    own.start()
    pytest_cov.drop_contexts(config)
    return Measuring(own, config, by_test=options.by_test)
