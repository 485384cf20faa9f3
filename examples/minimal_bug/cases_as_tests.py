"""The author's cases as tests, for whichever bridge the fixture `bridge` of the importing module gives."""

from __future__ import annotations

import threading
import time

import cases
import pytest
from cases import Bridge
from concurrent_java import interrupt_this_thread_in
from minimal_bug import SafelyClj, Thunk, afterword, call_me_baby, some_wrapped_python, thunk_of

__all__ = [
    "test_new_thread_fail",
    "test_new_thread_hang",
    "test_new_thread_hang_interrupted",
    "test_safely_clj_fail",
    "test_safely_clj_no_fail",
    "test_same_thread_no_fail",
    "test_simple_thread_think_no_fail",
    "test_vanilla_thread_no_fail",
]

PRINTED = "ALL YOUR BASE ARE BELONG TO US\nPython after\n"


class Watched:
    """What a thunk does: `some_wrapped_python`, when it may, and the afterword, with word that it came so far."""

    def __init__(self, *, may_run: bool) -> None:
        self.may_run = threading.Event()
        self.ended = threading.Event()
        if may_run:
            self.may_run.set()

    def wrapped(self) -> str:
        self.may_run.wait()
        return some_wrapped_python()

    def after(self) -> None:
        afterword()
        self.ended.set()


def go_on(until: threading.Event, seconds: float = 5) -> bool:
    """Do what a main thread does: work, and give the GIL away now and then. Say whether the event came."""
    end = time.monotonic() + seconds
    while not until.wait(0.001) and time.monotonic() < end:
        sorted(str(number) for number in range(1000))
    return until.is_set()


def call_and_go_on(safely_clj: SafelyClj, thunk: Thunk, watched: Watched) -> None:
    try:
        safely_clj(thunk)
    finally:
        watched.may_run.set()
        assert go_on(until=watched.ended), "the callback never came"


def test_safely_clj_fail(bridge: Bridge) -> None:
    watched = Watched(may_run=True)
    mood = call_me_baby(cases.safely_clj_fail(bridge), watched.wrapped, watched.after)
    assert go_on(until=watched.ended), f"answered {mood!r}, and the thunk was never run to its end"
    # A busy machine may need more than the 100 ms; what counts is that a late callback does no harm.
    assert mood in ("yay", "failure-value")


def test_safely_clj_no_fail(bridge: Bridge, capfd: pytest.CaptureFixture[str]) -> None:
    assert call_me_baby(cases.safely_clj_no_fail(bridge)) == "yay"
    assert capfd.readouterr().out == PRINTED


def test_new_thread_fail(bridge: Bridge) -> None:
    watched = Watched(may_run=True)
    mood = call_me_baby(cases.new_thread_fail(bridge), watched.wrapped, watched.after)
    assert go_on(until=watched.ended), f"answered {mood!r}, and the thunk was never run to its end"
    assert mood in ("yay", "timeout")


def test_new_thread_hang(bridge: Bridge) -> None:
    assert call_me_baby(cases.new_thread_hang(bridge)) == "yay"


def test_new_thread_hang_interrupted(bridge: Bridge) -> None:
    safely_clj, watched = cases.new_thread_hang(bridge), Watched(may_run=False)
    # Kept by this frame, as the traceback kept the author's: so the callback still runs after the interrupt.
    thunk = thunk_of(watched.wrapped, watched.after)
    interrupt_this_thread_in(milliseconds=300)
    with pytest.raises(RuntimeError, match=r"java\.lang\.InterruptedException"):
        call_and_go_on(safely_clj, thunk, watched)


def test_same_thread_no_fail(bridge: Bridge, capfd: pytest.CaptureFixture[str]) -> None:
    assert call_me_baby(cases.same_thread_no_fail(bridge)) == "yay"
    assert capfd.readouterr().out == PRINTED


def test_vanilla_thread_no_fail(bridge: Bridge, capfd: pytest.CaptureFixture[str]) -> None:
    assert call_me_baby(cases.vanilla_thread_no_fail(bridge)) == "yay"
    assert capfd.readouterr().out == PRINTED


def test_simple_thread_think_no_fail(bridge: Bridge, capfd: pytest.CaptureFixture[str]) -> None:
    assert call_me_baby(cases.simple_thread_think_no_fail(bridge)) is None
    assert capfd.readouterr().out == "Hello, world!\n"
