"""Passes a child's warnings to pytest as if this process had raised them."""

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


def own_warning(text: str) -> WarningRecorded:
    """Return a warning of this plugin about a test."""
    from ...model.observation import WarningRecorded

    return WarningRecorded("pytest", "PytestWarning", text, __file__, 0, "runtest")


def replay(item: pytest.Item, recorded: Iterable[WarningRecorded]) -> None:
    """Call pytest's hook for each warning. Call this after the test's reports are logged, as pytest does."""
    for message in recorded:
        item.ihook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": _warning(message), "nodeid": item.nodeid, "when": "runtest", "location": None}
        )


def _warning(message: WarningRecorded) -> warnings.WarningMessage:
    filename = _as_name(message.filename)
    lineno = message.lineno if 0 <= message.lineno < _LAST_LINE else 0
    # With `line` set, even to an empty text, `warnings` does not read the file, which a test may have named: a device,
    # for example, or a file without an end.
    return warnings.WarningMessage(
        encodable(message.text), _category(message), filename, lineno, line=encodable(message.line)
    )


def _category(message: WarningRecorded) -> type[Warning]:
    """Return the warning's class if this process has it, or else a new class of that name.

    A class that was made in the child does not exist here. Nothing is imported: the name comes from the child.
    """
    found: Any = sys.modules.get(message.module)
    for part in message.category.split("."):
        # `getattr_static` runs none of the module's code.
        found = inspect.getattr_static(found, part, None)
    if isinstance(found, type) and issubclass(found, Warning):
        return found
    parts = {"__module__": _as_name(message.module), "__qualname__": _as_name(message.category)}
    return class_named(message.category, Warning, parts)


def class_named(qualname: str, base: type[Any], parts: dict[str, Any]) -> type[Any]:
    """Return a new class with the last part of `qualname` as its name. The name comes from a child."""
    return type(_as_name(qualname.rpartition(".")[2]), (base,), parts)


def _as_name(text: str) -> str:
    """Return the text with NULs and lone surrogates escaped: Python refuses them in the name of a class."""
    return str(encodable(text.replace("\0", "\\0")))
