"""The values of the options of a run for which only some are chosen."""

from __future__ import annotations

from typing import Any

from pytest_foreignthread.config.chosen_options import Options
from pytest_foreignthread.config.option_table import OPTIONS


def chosen(**values: Any) -> Options:
    """Return the defaults with these values in their place."""
    return Options(**{option.name: option.default for option in OPTIONS} | values)
