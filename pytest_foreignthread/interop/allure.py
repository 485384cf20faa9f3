"""allure-pytest writes one file for each test. In the child that ran the test the file's content is complete."""

from __future__ import annotations

from typing import Any, Final

import pytest

from ..config.stash_keys import CHILD
from ..model.status_words import is_abnormal
from .hook_calls import hook_of

GATHERERS: Final = frozenset({"AllureListener"})
"""The class of allure's plugin, whose `pytest_runtest_makereport` needs what its hooks of the phases have collected."""
_LISTENER: Final = "allure_listener"


class Beside:
    """A plugin that runs beside allure's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def _listener(self) -> Any:
        """allure's plugin; None without `--alluredir`.

        allure has public functions for the steps of a test, but none that returns the result of a test.
        """
        return self._config.pluginmanager.getplugin(_LISTENER)

    def pytest_foreign_thread_carry(self, item: pytest.Item) -> None:
        """Make allure write the file in the child, which has the steps and attachments."""
        if (listener := self._listener) is not None:
            hook = hook_of(self._config, "pytest_runtest_logfinish", lambda plugin: plugin is listener)
            hook(nodeid=item.nodeid, location=item.location)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = self._current()
        if test is not None and test.statusDetails is not None and is_abnormal(report):
            test.statusDetails.trace = report.longreprtext

    def pytest_foreign_thread_carried(self, item: pytest.Item) -> None:
        """Prevent the file of the pytest process if no report was made here: the child has written the test's file."""
        if (test := self._current()) is not None and test.status is None:
            # allure has no function that drops a test that has begun and was not written.
            self._listener._cache.pop(item.nodeid)
            self._listener.allure_logger.drop_test(test.uuid)

    def _current(self) -> Any:
        here = self._listener is not None and CHILD not in self._config.stash
        return self._listener.allure_logger.get_test(None) if here else None
