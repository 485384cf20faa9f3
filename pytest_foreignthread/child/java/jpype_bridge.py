"""The default bridge. It imports jpype at its first use, because a child without a JVM has this bridge as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def jpype_bridge(function: Callable[[], None]) -> Any:
    """Return JPype's proxy of a function as a `java.lang.Runnable`."""
    from . import jvm

    return jvm.proxy(function)
