"""What pytest knows of its command line before it has read all of it."""

from __future__ import annotations

from typing import Any

import pytest


def early_option(early: pytest.Config, flag: str) -> Any:
    """Return the value of an option before the first conftest is imported; None where it is not given.

    `Config.getoption` answers then with what an earlier step has read, without the options of plugins.
    """
    return getattr(early.known_args_namespace, flag.lstrip("-").replace("-", "_"), None)
