"""The marker `foreign_thread` with typed arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NewType, TypeVar, overload

import pytest

Isolation = Literal["test", "module", "session", "auto"]
Mode = Literal["main", "same", "new", "pool", "virtual", "forkjoin", "scheduled", "python", "native", "native-pool"]
"""The names of the built-in modes."""
OwnModeName = NewType("OwnModeName", str)
"""The name of a project's own mode, for example `OwnModeName("timer")`. The type tells it from a mistyped name."""
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
    check: str | Sequence[str] | None = None,
    stress: int | str | None = None,
    stress_threads: int | None = None,
    skip: str | None = None,
    # One mapping for both kinds of names: mypy takes no dictionary of texts for a union of mappings.
    expect: Mapping[Mode | OwnModeName, OutcomeWord | Sequence[OutcomeWord]] | None = None,
) -> pytest.MarkDecorator: ...


def foreign_thread(marked: Any = None, /, **arguments: Any) -> Any:
    """Return `pytest.mark.foreign_thread` with these arguments, or the function or class marked by it.

    `timeout` is in seconds, `stack` in bytes, `stress` a number of rounds or a time such as `60s`, `stress_threads`
    how many threads run the body of a round at once. An argument that is None is left out, so that an outer marker, an
    option or the default decides. Values are checked at collection.
    Raise TypeError for an argument that the marker does not take.
    """
    if wrong := arguments.keys() - _ARGUMENTS:
        raise TypeError(f"foreign_thread: expected {', '.join(sorted(_ARGUMENTS))}, got {', '.join(sorted(wrong))}")
    mark = pytest.mark.foreign_thread(**{name: value for name, value in arguments.items() if value is not None})
    return mark if marked is None else mark(marked)


_ARGUMENTS = frozenset(
    {
        "mode",
        "timeout",
        "jvm_args",
        "classpath",
        "isolation",
        "stack",
        "block_signals",
        "finalize",
        "check",
        "stress",
        "stress_threads",
        "skip",
        "expect",
    }
)
