"""The marker with typed arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NewType, TypeVar, overload

import pytest

Isolation = Literal["test", "module", "session", "auto"]
Mode = Literal["main", "same", "new", "pool", "virtual", "forkjoin", "scheduled", "python", "native", "native-pool"]
"""The names of the modes that come with the plugin."""
OwnModeName = NewType("OwnModeName", str)
"""The name of a mode of the project's own, told apart from a mistyped one: `OwnModeName("timer")`."""
OutcomeWord = Literal[
    "passed", "failed", "error", "skipped", "xfailed", "xpassed", "segfault", "hang", "null_result", "crash"
]

_Marked = TypeVar("_Marked", bound="Callable[..., object] | type")


@overload
def foreign_thread(marked: _Marked, /) -> _Marked: ...


@overload
def foreign_thread(
    *,
    mode: Mode | OwnModeName | Sequence[Mode | OwnModeName] | None = None,
    timeout: float | None = None,
    jvm_args: str | Sequence[str] | None = None,
    classpath: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    isolation: Isolation | None = None,
    stack: int | str | None = None,
    block_signals: bool | None = None,
    finalize: bool | None = None,
    skip: str | None = None,
    expect: Mapping[Mode, OutcomeWord | Sequence[OutcomeWord]]
    | Mapping[OwnModeName, OutcomeWord | Sequence[OutcomeWord]]
    | None = None,
) -> pytest.MarkDecorator: ...


def foreign_thread(marked: Any = None, /, **arguments: Any) -> Any:
    """Return `pytest.mark.foreign_thread` with these arguments, or the function or class marked by it.

    `timeout` is in seconds, `stack` in bytes. What is None is not said: an outer marker, an option or the default
    holds. Values are checked at collection. Raise TypeError for an argument that the marker does not take.
    """
    if wrong := arguments.keys() - _ARGUMENTS:
        raise TypeError(f"foreign_thread: expected {', '.join(sorted(_ARGUMENTS))}, got {', '.join(sorted(wrong))}")
    mark = pytest.mark.foreign_thread(**{name: value for name, value in arguments.items() if value is not None})
    return mark if marked is None else mark(marked)


_ARGUMENTS = frozenset(
    {"mode", "timeout", "jvm_args", "classpath", "isolation", "stack", "block_signals", "finalize", "skip", "expect"}
)
