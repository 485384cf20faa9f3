"""Python exceptions inside Java exceptions: a pool returns what a callback raised as a Java exception."""

from __future__ import annotations

import sys

_DEEPEST = 32
"""The largest number of causes that are followed: a chain of Java causes may be a circle."""


def python_causes(error: BaseException) -> tuple[BaseException, ...]:
    """Return what Python callbacks raised, the outermost first; () if `error` is no Java exception."""
    # A child without a JVM must not import JPype.
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
    # The getCause() of a project's throwable, and the `__class__` of any exception, may raise anything.
    except BaseException:
        pass
    return tuple(found)
