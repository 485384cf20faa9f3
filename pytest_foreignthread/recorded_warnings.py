"""Warnings from the child, made known to pytest as if they had been raised here."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .observation import WarningRecorded


def replay(item: pytest.Item, recorded: Iterable[WarningRecorded]) -> None:
    """Call after the test's reports, as pytest does."""
    for message in recorded:
        warning = warnings.WarningMessage(message.text, _category(message), message.filename, message.lineno)
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": warning, "nodeid": item.nodeid, "when": "runtest", "location": None}
        )


def _category(message: WarningRecorded) -> type[Warning]:
    """Give the class by its name, or one of that name: a class made in the child, in a function say, is not here."""
    found: Any = sys.modules.get(message.module)
    for part in message.category.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, Warning):
        return found
    name = message.category.rpartition(".")[2]
    return type(name, (Warning,), {"__module__": message.module, "__qualname__": message.category})
