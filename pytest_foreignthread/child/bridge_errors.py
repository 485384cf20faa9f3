"""What is wrong with a bridge, or with a launcher of the project's."""

from __future__ import annotations


class BridgeError(Exception):
    """The bridge did not do what it is for: to give a `java.lang.Runnable` that calls the Python function once."""


class NotCalledError(BridgeError):
    """The bridge's Runnable ended without having called the Python function."""


class CalledAgainError(BridgeError):
    """The bridge called the Python function more than once; it ran the first time only."""
