"""Shows a warning of the run as a whole, which pytest lists with the warnings of the tests."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

WarningFilter = tuple[Any, ...]
"""An entry of `warnings.filters`."""


def show(config: pytest.Config, filters: Sequence[WarningFilter], warning: Warning) -> None:
    """Let pytest show the warning as one of the run. `warnings.warn` alone would make it a warning of the current test.

    `filters` are the filters that apply outside of any test. Raise the warning if a filter names its text or category
    and makes it an error.
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
    """Return the filter, with "always" for "error" if it is a filter for all warnings, such as that of `-W error`.

    Such a filter is meant for the warnings of tests, and no test has caused this warning.
    """
    action, message, category, *place = entry
    meant = message is not None or issubclass(category, kind)
    return entry if action != "error" or meant else ("always", message, category, *place)
