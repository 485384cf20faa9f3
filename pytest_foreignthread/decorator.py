"""The marker with typed arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import pytest

Isolation = Literal["test", "module", "session"]


def foreign_thread(
    *,
    mode: str | Sequence[str] | None = None,
    timeout: float | None = None,
    jvm_args: str | Sequence[str] | None = None,
    classpath: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    isolation: Isolation | None = None,
    stack: int | str | None = None,
    block_signals: bool | None = None,
    skip: str | None = None,
    expect: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Return `pytest.mark.foreign_thread` with these arguments; `timeout` is in seconds.

    What is None is not said: an outer marker, an option or the default holds. Values are checked at collection.
    """
    given = {
        "mode": mode,
        "timeout": timeout,
        "jvm_args": jvm_args,
        "classpath": classpath,
        "isolation": isolation,
        "stack": stack,
        "block_signals": block_signals,
        "skip": skip,
        "expect": expect,
    }
    said = {name: value for name, value in given.items() if value is not None}
    return pytest.mark.foreign_thread(**said)
