"""The same cases, the same tests, against the mended bridge, from each kind of thread; and what is its own."""

from __future__ import annotations

import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import mended_bridge
import pytest
from cases import Bridge, ready
from cases_as_tests import *  # noqa: F403
from cases_as_tests import Watched, go_on
from concurrent_java import Patience, fixed_pool
from minimal_bug import call_me_baby, thunk_of

pytestmark = pytest.mark.foreign_thread(mode=["main", "same", "new", "pool"], timeout=30)


@pytest.fixture
def bridge(java_lang_foreign: None) -> Bridge:
    return ready(mended_bridge)


class Result:
    """Something that can be watched by a weak reference."""


class TestReferencesAndExceptions:
    pytestmark = pytest.mark.foreign_thread(mode="new")

    def test_a_late_callback_finds_its_thunk_and_frees_it(self, bridge: Bridge) -> None:
        watched, freed = Watched(may_run=False), threading.Event()
        thunk = thunk_of(watched.wrapped, watched.after)
        weakref.finalize(thunk, freed.set)
        assert bridge.function(fixed_pool(1), Patience(50, "failure-value"))(thunk) == "failure-value"
        del thunk
        assert not freed.is_set()
        watched.may_run.set()
        assert go_on(until=watched.ended)
        assert go_on(until=freed), "no one freed the thunk"

    def test_a_result_that_comes_too_late_is_freed(self, bridge: Bridge) -> None:
        may_run, freed = threading.Event(), threading.Event()

        def thunk() -> Result:
            may_run.wait()
            result = Result()
            weakref.finalize(result, freed.set)
            return result

        assert bridge.function(fixed_pool(1), Patience(50, "failure-value"))(thunk) == "failure-value"
        may_run.set()
        assert go_on(until=freed), "no one took the result, and no one freed it"

    def test_a_call_keeps_no_reference(self, bridge: Bridge) -> None:
        def thunk() -> Result:
            return Result()

        before = sys.getrefcount(thunk)
        result = bridge.function(fixed_pool(1))(thunk)
        watched = weakref.ref(result)
        del result
        assert watched() is None
        assert sys.getrefcount(thunk) == before

    def test_what_the_thunk_raises_reaches_the_caller(self, bridge: Bridge) -> None:
        def thunk() -> object:
            return call_me_baby(lambda inner: 1 // 0)

        with pytest.raises(ZeroDivisionError) as caught:
            bridge.function(fixed_pool(1))(thunk)
        assert "call_me_baby" in [entry.name for entry in caught.traceback]


class TestTheMarkerThroughTheMendedBridge:
    """Bodies that come to their Java thread through the bridge under test, not through JPype's proxy."""

    pytestmark = pytest.mark.foreign_thread(mode=["same", "new", "pool"])

    @pytest.fixture
    def foreign_thread_bridge(self, java_lang_foreign: None) -> Callable[[Callable[[], object]], Any]:
        return mended_bridge.runnable

    def test_the_body_is_called_by_the_bridge(self) -> None:
        assert "reported" in functions_on_the_stack()

    def test_a_part_of_a_test_too(self, foreign_thread: Any) -> None:
        assert functions_on_the_stack().count("reported") == 1
        assert "reported" in foreign_thread.call(functions_on_the_stack, mode="new")
        with pytest.raises(ZeroDivisionError):
            foreign_thread.call(lambda: 1 // 0)


def functions_on_the_stack() -> list[str]:
    return [entry.name for entry in traceback.extract_stack()]
