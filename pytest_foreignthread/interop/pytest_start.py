"""What pytest knows about its command line before it has read the whole of it."""

from __future__ import annotations

from typing import Any

import pytest


def early_option(early: pytest.Config, flag: str) -> Any:
    """Return the value of an option before the first conftest is imported; None if it is not given.

    At that time `Config.getoption` returns the values of an earlier step, without the options of plugins.
    """
    return getattr(early.known_args_namespace, flag.lstrip("-").replace("-", "_"), None)
