"""Python exceptions inside of Java ones: what a callback raised on a pool's thread comes back as a Java exception."""

from __future__ import annotations

import sys

_DEEPEST = 32
"""Causes of one exception; a chain of Java's may be a circle."""


def python_causes(error: BaseException) -> tuple[BaseException, ...]:
    """Return what Python callbacks raised, the outermost first; () for an exception of Python's."""
    # A child without a JVM imports no JPype.
    if "jpype" not in sys.modules:
        return ()
    from . import jvm

    found: list[BaseException] = []
    try:
        if not jvm.is_started() or not jvm.is_java_exception(error):
            return ()
        throwable, left = error, _DEEPEST
        while throwable is not None and left:
            cause = jvm.python_exception(throwable)
            if not jvm.is_java_exception(cause):
                found.append(cause)
            throwable, left = throwable.getCause(), left - 1  # type: ignore[attr-defined]
    # A throwable of the project's may do anything in its getCause().
    except Exception:
        pass
    return tuple(found)
