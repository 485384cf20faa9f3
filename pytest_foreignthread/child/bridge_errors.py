"""What is wrong with a bridge, or with a launcher of the project's."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable


class BridgeError(Exception):
    """The bridge did not do what it is for: to give a `java.lang.Runnable` that calls the Python function once."""


class NotCalledError(BridgeError):
    """The bridge's Runnable ended without having called the Python function."""


class CalledAgainError(BridgeError):
    """The bridge called the Python function more than once; it ran the first time only."""


def problem_of_bridge(bridge: object) -> str | None:
    """Return what is wrong with what the fixture returned; None where it may be called with a Python function."""
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
        # A function of C or of Java may not say what it takes.
        return True
    return True
