"""Clojure's ways onto another thread, as modes: `future`, `send-off` and `pmap`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

LAUNCHERS = {
    "future": "(fn [^Runnable task] (future (.run task)))",
    "send_off": "(fn [^Runnable task] (send-off (agent nil) (fn [_] (.run task))))",
    "pmap": "(fn [task] (dorun (pmap (fn [^Runnable each] (.run each)) [task])))",
}


@functools.cache
def evaluated(source: str) -> Any:
    import jpype

    clojure = jpype.JClass("clojure.java.api.Clojure")
    return clojure.var("clojure.core", "eval").invoke(clojure.read(source))


def launcher(source: str) -> Callable[[Any], object]:
    return lambda runnable: evaluated(source).invoke(runnable)


def pytest_foreign_thread_modes(config: pytest.Config) -> dict[str, Callable[[Any], object]]:
    return {name: launcher(source) for name, source in LAUNCHERS.items()}
