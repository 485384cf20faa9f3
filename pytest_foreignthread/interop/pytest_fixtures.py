"""What pytest stores about fixtures and parameters on an item, and on the definition of a fixture."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from traceback import walk_stack, walk_tb
from typing import Any, Final

import pytest

OF_SETUP: Final = frozenset({"_request", "instance", "_instance"})
"""Attributes of an item that pytest sets in the setup, or creates when they are read.

No plugin may read them if no setup ran. flaky asks for `_request` with `hasattr`, and works without it.
"""


def forget_instance(item: pytest.Item) -> None:
    """Make pytest create a new instance of the test's class at the next use, as it does for each item.

    pytest has no public function for this.
    """
    vars(item).pop("_instance", None)


class BeforeRounds:
    """What an item was before its first run, for runs of it one after the other in one process.

    pytest runs an item once: the output of its phases, its properties, its marks and its failed subtests would add up.
    """

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._properties = list(item.user_properties)
        self._marks = list(item.own_markers)
        self._has_body = "runtest" in vars(item)

    def restore(self) -> None:
        item: Any = self._item
        item.user_properties[:] = self._properties
        item.own_markers[:] = self._marks
        item._report_sections.clear()
        # Imported here: a run without a marked test needs no more of this module than its hooks.
        from .pytest_subtests import forget_failed_subtests

        forget_failed_subtests(item.config)
        if not self._has_body:
            vars(item).pop("runtest", None)
        forget_instance(item)
        if (begin := getattr(item, "_initrequest", None)) is not None:
            begin()


def fixture_names(item: Any) -> list[str]:
    """Return the names of all fixtures that an item requests; none for an item of another type.

    Only the names of a request and of a `Metafunc` are public, and neither exists between collection and setup.
    """
    return list(getattr(item, "fixturenames", ()))


def add_fixture(item: pytest.Item, name: str) -> None:
    """Let an item request one more fixture, after the others; this has no effect on an item of another type.

    The public `usefixtures` has an effect at collection only.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and name not in names:
        names.append(name)


def parameters_of(item: pytest.Item) -> Mapping[str, Any]:
    """Return the parameters of a test. pytest shows them only to the test and its fixtures."""
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


def is_of_pytest(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Return whether pytest itself defines the fixture, for example `tmp_path_factory`.

    The fixtures that pytest makes from `setup_module` and the like do not count: the project's code runs in them.
    """
    function = fixturedef.func
    return getattr(function, "__module__", "").startswith("_pytest.") and not fixturedef.argname.startswith("_")


def was_raised_in_teardown(error: BaseException) -> bool:
    """Return whether the exception came out of the teardown of a fixture.

    In the setup of a test, pytest tears down a fixture that gets another parameter. Only the traceback says so.
    """
    finish = pytest.FixtureDef.finish.__code__
    return any(frame.f_code is finish for frame, _ in walk_tb(error.__traceback__))


def raised_by_finalizers() -> Iterator[BaseException]:
    """Yield what the finalizers of a fixture have raised; call from the hook `pytest_fixture_post_finalizer`.

    pytest keeps the exceptions in a variable of the function that calls the hook. A finalizer that reported them itself
    would stand in the traceback of each failure, and change what pytest shows. The exceptions of fixtures that depend
    on this one were yielded in their own teardown.
    """
    finish = pytest.FixtureDef.finish.__code__
    frame = next((frame for frame, _ in walk_stack(None) if frame.f_code is finish), None)
    kept = [] if frame is None else list(frame.f_locals.values())
    for error in itertools.chain.from_iterable(one if isinstance(one, list) else [one] for one in kept):
        if isinstance(error, BaseException):
            times = sum(frame.f_code is finish for frame, _ in walk_tb(error.__traceback__))
            if times == 1:
                yield error


def finisher_of(fixturedef: pytest.FixtureDef[Any], request: Any) -> Callable[[], None]:
    """Return a function that tears a fixture down with all that depends on it; no effect if it is not set up.

    pytest's public ways tear down whole nodes only. `finish` has no underscore, and no documentation.
    """
    return functools.partial(fixturedef.finish, request)
