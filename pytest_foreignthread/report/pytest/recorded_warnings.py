"""Warnings from the child, made known to pytest as if they had been raised here."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import pytest

from ...channel.report_shape import encodable

if TYPE_CHECKING:
    from ...model.observation import WarningRecorded

_LAST_LINE: Final = 2**31


def replay(item: pytest.Item, recorded: Iterable[WarningRecorded]) -> None:
    """Call after the test's reports, as pytest does."""
    for message in recorded:
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": _warning(message), "nodeid": item.nodeid, "when": "runtest", "location": None}
        )


def _warning(message: WarningRecorded) -> warnings.WarningMessage:
    filename = _as_name(message.filename)
    lineno = message.lineno if 0 <= message.lineno < _LAST_LINE else 0
    # With a line, be it empty, nobody looks for one in the file: it may be a device, or have no end.
    return warnings.WarningMessage(
        encodable(message.text), _category(message), filename, lineno, line=encodable(message.line)
    )


def _category(message: WarningRecorded) -> type[Warning]:
    """Return the class by its name, or one of that name: a class made in the child, in a function say, is not here."""
    found: Any = sys.modules.get(message.module)
    for part in message.category.split("."):
        # A lookup that runs none of the module's code.
        found = inspect.getattr_static(found, part, None)
    if isinstance(found, type) and issubclass(found, Warning):
        return found
    parts = {"__module__": _as_name(message.module), "__qualname__": _as_name(message.category)}
    return class_named(message.category, Warning, parts)


def class_named(qualname: str, base: type[Any], parts: dict[str, Any]) -> type[Any]:
    """Return a class of that name, which comes from a child."""
    return type(_as_name(qualname.rpartition(".")[2]), (base,), parts)


def _as_name(text: str) -> str:
    """Return the text without what Python takes in no name of a class: a NUL, a lone surrogate."""
    return str(encodable(text.replace("\0", "\\0")))
