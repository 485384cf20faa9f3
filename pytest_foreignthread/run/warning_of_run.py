"""A warning of the run as a whole, which pytest shows beside those of the tests."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

WarningFilter = tuple[Any, ...]
"""An entry of `warnings.filters`."""


def show(config: pytest.Config, filters: Sequence[WarningFilter], warning: Warning) -> None:
    """Let pytest show it as one of the run: raised as a warning here, it would be that of a test.

    `filters` are those in force outside of any test. Raise the warning if one of them asks for that in so many words.
    """
    with warnings.catch_warnings(record=True) as recorded:
        warnings.resetwarnings()
        own = [_without_blanket_error(entry, type(warning)) for entry in filters]
        warnings.filters.extend(own)  # type: ignore[attr-defined]
        warnings.warn(warning, stacklevel=1)
    for message in recorded:
        config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": message, "nodeid": "", "when": "config", "location": None}
        )


def _without_blanket_error(entry: WarningFilter, kind: type[Warning]) -> WarningFilter:
    """Let a filter that makes errors of all sorts of warnings show this one: no test has done anything wrong."""
    action, message, category, *place = entry
    meant = message is not None or issubclass(category, kind)
    return entry if action != "error" or meant else ("always", message, category, *place)
