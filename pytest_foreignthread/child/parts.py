"""The parts of an exception as the interpreter stores them; a class may override each attribute by a property."""

from __future__ import annotations

from types import TracebackType
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")


def cause_of(error: BaseException) -> BaseException | None:
    found: BaseException | None = _part(error, "__cause__")
    return found


def context_of(error: BaseException) -> BaseException | None:
    found: BaseException | None = _part(error, "__context__")
    return found


def shown_context_of(error: BaseException) -> BaseException | None:
    """Return what a traceback shows as being handled when the exception was raised; None after `raise … from`."""
    return None if _part(error, "__suppress_context__") else context_of(error)


def arguments_of(error: BaseException) -> tuple[object, ...]:
    found: tuple[object, ...] = _part(error, "args")
    return found


def traceback_of(error: BaseException) -> TracebackType | None:
    found: TracebackType | None = _part(error, "__traceback__")
    return found


def is_really(value: object, kind: type[T]) -> TypeGuard[T]:
    """Return whether the value's type is of that kind; `isinstance` would ask the value's own `__class__` as well."""
    return issubclass(type(value), kind)


def _part(error: BaseException, name: str) -> Any:
    return vars(BaseException)[name].__get__(error)
