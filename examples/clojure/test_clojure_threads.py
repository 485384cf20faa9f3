"""Python code on Clojure's threads: what holds on the main thread is to hold there."""

from __future__ import annotations

import threading
from typing import Any

import pytest

pytestmark = pytest.mark.foreign_thread(mode=["main", "future", "send_off", "pmap"], isolation="module")


def test_where(request: pytest.FixtureRequest, jvm: Any) -> None:
    name = str(jvm.java.lang.Thread.currentThread().getName())
    assert name.startswith("clojure-agent-send-off-pool-") != request.node.name.endswith("[main]")


def test_python_calls_clojure_back(jvm: Any) -> None:
    clojure = jvm.JClass("clojure.java.api.Clojure")
    assert str(clojure.var("clojure.core", "str").invoke(clojure.read("[1 2]"), "!")) == "[1 2]!"


def test_a_lock_is_taken_and_given_back() -> None:
    lock = threading.Lock()
    with lock:
        assert lock.locked()
    assert not lock.locked()
