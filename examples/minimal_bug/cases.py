"""The author's cases: who runs the thunk, and how long its caller waits. Each makes a `safely_clj` from a bridge."""

from __future__ import annotations

from typing import Any, Protocol

from concurrent_java import Patience, callers_thread, fixed_pool, thread_not_started
from foreign import Handle
from minimal_bug import SafelyClj
from python_api import saying_hello


class Bridge(Protocol):
    """Either bridge: a module with this function."""

    def function(self, executor: Any, patience: Patience | None = None, task: Handle = None) -> SafelyClj: ...


def safely_clj_fail(bridge: Bridge) -> SafelyClj:
    """A circuit breaker: a pool of its own, and little patience."""
    return bridge.function(fixed_pool(4), Patience(100, "failure-value"))


def safely_clj_no_fail(bridge: Bridge) -> SafelyClj:
    """Without a circuit breaker nothing leaves the caller's thread."""
    return bridge.function(callers_thread())


def new_thread_fail(bridge: Bridge) -> SafelyClj:
    return bridge.function(fixed_pool(4), Patience(1000, "timeout"))


def new_thread_hang(bridge: Bridge) -> SafelyClj:
    return bridge.function(fixed_pool(4))


def same_thread_no_fail(bridge: Bridge) -> SafelyClj:
    return bridge.function(callers_thread())


def vanilla_thread_no_fail(bridge: Bridge) -> SafelyClj:
    return bridge.function(thread_not_started())


def simple_thread_think_no_fail(bridge: Bridge) -> SafelyClj:
    return bridge.function(callers_thread(), task=saying_hello())


def ready(bridge: Bridge) -> Bridge:
    """The bridge after a first call: that one links its handles, which takes longer than a circuit breaker waits."""
    if bridge.function(callers_thread())(str) != "":
        raise AssertionError("the bridge does not work at all")
    return bridge
