"""Which fixture of a name a test is given: pytest has no public way to ask."""

from __future__ import annotations

import pytest


def is_overridden(item: pytest.Item, name: str, module: str) -> bool:
    """Return whether the test is given another fixture of that name than the one that the module defines."""
    fixtures = item.config.pluginmanager.getplugin("funcmanage")
    found = None if fixtures is None else fixtures.getfixturedefs(name, item)
    return found is None or getattr(found[-1].func, "__module__", "") != module
