"""The keys ^C and ^Z, as signals to this process: who hears them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from pytest_foreignthread.supervise.process.signal_forwarding import Keys


def now() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """What the handler hears that was there before."""
    numbers: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_third_interrupt_without_an_answer_is_for_this_process(heard: list[int]) -> None:
    with Keys(lambda: None, None):
        interrupt()
        interrupt()
        assert heard == []
        interrupt()
    assert heard == [signal.SIGINT]


def test_an_answer_makes_the_count_begin_again(heard: list[int]) -> None:
    with Keys(lambda: None, None) as keys:
        interrupt()
        interrupt()
        keys.answered(now())
        interrupt()
        interrupt()
    assert heard == []


def test_a_prompt_from_before_the_last_interrupt_is_no_answer(heard: list[int]) -> None:
    with Keys(lambda: None, None) as keys:
        asked = now()
        interrupt()
        keys.answered(asked)
        interrupt()
        interrupt()
    assert heard == [signal.SIGINT]


def test_the_handler_from_before_is_there_again(heard: list[int]) -> None:
    with Keys(lambda: None, None):
        pass
    interrupt()
    assert heard == [signal.SIGINT]
