"""Actions that are repeated because a signal handler may interrupt them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_foreignthread.supervise.process.signals import retry_interrupted


class RefusesAttributesError(Exception):
    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(name)


class Action:
    """Raises the errors one after the other, and then ends."""

    def __init__(self, errors: Iterator[BaseException]) -> None:
        self._errors = errors
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if (error := next(self._errors, None)) is not None:
            raise error


@pytest.mark.parametrize("count", range(1, 4))
def test_an_interrupted_action_runs_to_its_end(count: int) -> None:
    action = Action(iter([KeyboardInterrupt(number) for number in range(count)]))
    with pytest.raises(KeyboardInterrupt):
        retry_interrupted(action)
    assert action.calls == count + 1


def test_an_error_that_lasts_is_raised_after_a_few_calls_however_many_enclose_it() -> None:
    action = Action(OSError(number) for number in range(10_000))

    def inner() -> None:
        retry_interrupted(action)

    with pytest.raises(OSError, match="3"):
        retry_interrupted(lambda: retry_interrupted(inner))
    assert action.calls == 4


def test_a_signal_before_it_is_not_hidden() -> None:
    action = Action(iter([KeyboardInterrupt(), *map(OSError, range(10))]))
    with pytest.raises(OSError, match="2") as raised:
        retry_interrupted(action)
    chain: list[BaseException | None] = [raised.value]
    while chain[-1] is not None:
        chain.append(chain[-1].__context__)
    assert KeyboardInterrupt in map(type, chain)


def test_an_error_that_takes_no_attribute_is_raised_as_it_is() -> None:
    action = Action(RefusesAttributesError() for _ in range(10_000))
    with pytest.raises(RefusesAttributesError):
        retry_interrupted(action)
    assert action.calls == 4
