"""The errors of a bridge and of the project's own launchers."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable


class BridgeError(Exception):
    """The bridge did not return a `java.lang.Runnable` that calls the Python function once."""


class NotCalledError(BridgeError):
    """The bridge's Runnable ended and did not call the Python function."""


class CalledAgainError(BridgeError):
    """The bridge called the Python function more than once; only the first call ran the function."""


def problem_of_bridge(bridge: object) -> str | None:
    """Return what is wrong with a value of the fixture `foreign_thread_bridge`; None if the value can be a bridge."""
    if callable(bridge) and _takes_a_function(bridge):
        return None
    got = reprlib.repr(bridge) if not callable(bridge) else f"one that takes {inspect.signature(bridge)}"
    return (
        "expected a function that takes a Python callable and returns a java.lang.Runnable, "
        f"got {got}: return such a function, or leave the fixture out"
    )


def _takes_a_function(bridge: Callable[..., object]) -> bool:
    try:
        inspect.signature(bridge).bind(_takes_a_function)
    except TypeError:
        return False
    except ValueError:
        # A C function or a Java method may have no signature that Python can read.
        return True
    return True
