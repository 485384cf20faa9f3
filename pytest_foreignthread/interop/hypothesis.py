"""hypothesis keeps the state of the running test by thread, and its plugin sets the state on the main thread.

The body runs on another thread, and would not find that state.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import pytest

from .hook_calls import registered, with_only

_NAMES: Final = ("hypothesispytest", "_hypothesis_pytestplugin")
"""The names of hypothesis's plugin: its entry point, and its module for a run that loads no entry points."""


def wrap_given_body(item: pytest.Item, body: Callable[[], object]) -> Callable[[], object]:
    """Return the body of a `@given` test inside the step of hypothesis's plugin; run it on the thread of the body.

    Outside that step there are no statistics, no patch of failing examples, and no section of hypothesis in the report.
    """
    plugin = next(filter(None, map(item.config.pluginmanager.getplugin, _NAMES)), None)
    if plugin is None or not is_hypothesis_test(item):
        return body

    def runtest() -> None:
        __tracebackhide__ = True
        with registered(item.config, _Body(body)) as innermost:
            with_only(item.config, "pytest_runtest_call", {plugin, innermost})(item=item)

    return runtest


class _Body:
    def __init__(self, body: Callable[[], object]) -> None:
        self._body = body

    def pytest_runtest_call(self) -> None:
        __tracebackhide__ = True
        self._body()


def is_hypothesis_test(item: pytest.Item) -> bool:
    """Return whether hypothesis calls the test function, with one example after the other."""
    hypothesis: Any = sys.modules.get("hypothesis")
    return hypothesis is not None and bool(hypothesis.is_hypothesis_test(getattr(item, "obj", None)))
