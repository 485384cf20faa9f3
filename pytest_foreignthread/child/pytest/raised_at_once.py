"""What the threads of a round raised: the exception that stands for all of them, and the others in the report."""

from __future__ import annotations

import functools
import unittest
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest

from ..calls_at_once import Ended
from ..exceptions import null_result_text
from ..parts import is_really, traceback_of
from .plain_data import class_name, text_of

_MOST_SHOWN: Final = 10
"""Different exceptions that a report shows with their tracebacks."""
_MOST_TEXT: Final = 200
"""Characters of an exception in the list of threads."""
_TITLE: Final = "threads"

Kind = tuple[str, str, tuple[str, int]]
"""Type, text, and the line that raised: exceptions with the same three are shown once."""


class RaisedAtOnce:
    """What the threads of the running round raised."""

    def __init__(self) -> None:
        self._ended: Sequence[Ended] = ()
        self._chosen: BaseException | None = None

    def on_threads(
        self, function: Callable[..., object], call: Callable[[Callable[[], object]], Sequence[Ended]]
    ) -> Callable[..., object]:
        """Return the test function as one that is called on several threads, each with the same arguments.

        `call` calls its argument on the threads. The function raises the exception that stands for all.
        """

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> object:
            __tracebackhide__ = True
            self._ended = call(functools.partial(function, *args, **kwargs))
            self._chosen = standing_for_all(self._ended)
            if self._chosen is not None:
                raise self._chosen
            return self._ended[0].value

        return called

    def sections(self, item: pytest.Item, error: BaseException) -> Iterator[tuple[str, str]]:
        """Yield title and text of the report's sections about the threads, if the exception is that of a round."""
        if error is not self._chosen:
            return
        threads = dict[Kind | None, list[int]]()
        errors = dict[Kind, BaseException]()
        for index, one in enumerate(self._ended):
            kind = None if one.error is None else _kind(one.error)
            threads.setdefault(kind, []).append(index)
            if one.error is not None and kind is not None:
                errors.setdefault(kind, one.error)
        chosen = _kind(error)
        yield _TITLE, "\n".join(_line(kind, those, kind == chosen) for kind, those in threads.items())
        others = [kind for kind, one in errors.items() if kind != chosen and not _is_skip(one)]
        for kind in others[: _MOST_SHOWN - 1]:
            yield _named(threads[kind]), _shown(item, errors[kind])


def standing_for_all(ended: Sequence[Ended]) -> BaseException | None:
    """Return the exception that decides the outcome; None if the round has passed.

    An end of the run comes first, then a null result, another failure, an expected one. A round is skipped if all of
    its threads are.
    """
    errors = [one.error for one in ended if one.error is not None]
    if not errors:
        return None
    first = min(errors, key=_rank)
    return None if _is_skip(first) and len(errors) < len(ended) else first


def _rank(error: BaseException) -> int:
    if is_really(error, KeyboardInterrupt) or is_really(error, pytest.exit.Exception):
        return 0
    if _is_skip(error):
        return 4
    if is_really(error, pytest.xfail.Exception):
        return 3
    return 2 if null_result_text(error) is None else 1


def _is_skip(error: BaseException) -> bool:
    return is_really(error, pytest.skip.Exception) or is_really(error, unittest.SkipTest)


def _kind(error: BaseException) -> Kind:
    return class_name(type(error)), text_of(error), _place(error)


def _place(error: BaseException) -> tuple[str, int]:
    step = traceback_of(error)
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return ("", 0) if step is None else (step.tb_frame.f_code.co_filename, step.tb_lineno)


def _line(kind: Kind | None, threads: Sequence[int], is_chosen: bool) -> str:
    if kind is None:
        return f"{_named(threads)}: passed"
    name, text, _ = kind
    first = text.strip().partition("\n")[0][:_MOST_TEXT]
    return f"{_named(threads)}: {name}{': ' if first else ''}{first}{' (shown above)' if is_chosen else ''}"


def _named(threads: Sequence[int]) -> str:
    return f"thread {threads[0]}" if len(threads) == 1 else f"threads {', '.join(_ranges(threads))}"


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """Yield sorted numbers as they are written: 0, 3-5, 8."""
    first = last = numbers[0]
    for number in (*numbers[1:], None):
        if number is not None and number == last + 1:
            last = number
            continue
        yield str(first) if first == last else f"{first}-{last}"
        if number is not None:
            first = last = number


def _shown(item: pytest.Item, error: BaseException) -> str:
    try:
        return str(item.repr_failure(pytest.ExceptionInfo.from_exception(error)))
    # A test's exception may do anything when its text is made.
    except BaseException:
        return f"{class_name(type(error))}: {text_of(error)}"
