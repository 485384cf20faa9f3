"""Which tests may share a child, and how many children may be ready."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pytest_foreignthread.config.stash_keys import SETTINGS
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.model.stress_choice import Amount
from pytest_foreignthread.run.isolation import Places, group_of, number_ready

JVM = Jvm(Path("/jdk/libjvm.so"), "25", "a test")


def item(
    module: str, isolation: str | None = "session", mode: str = "new", jvm: Jvm | None = JVM, **settings: Any
) -> pytest.Item:
    """As much of an item as is asked; without `isolation` it is an ordinary test."""
    chosen = {} if isolation is None else {SETTINGS: Settings(mode, "new", 1.0, jvm, isolation=isolation, **settings)}
    getparent: Callable[[object], object] = lambda _: SimpleNamespace(nodeid=module)  # noqa: E731
    return cast(pytest.Item, _Item(stash=chosen, nodeid=f"{module}::test", getparent=getparent))


class _Item(SimpleNamespace):
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (item("a.py"), item("b.py"), True),
        (item("a.py", "module"), item("a.py", "module"), True),
        (item("a.py", "module"), item("b.py", "module"), False),
        (item("a.py", "module"), item("a.py", "session"), False),
        (item("a.py", "auto"), item("b.py", "auto"), True),
        (item("a.py", "auto"), item("a.py"), False),
        (item("a.py", mode="pool"), item("a.py"), False),
        (item("a.py", jvm_args=("-ea",)), item("a.py"), False),
        (item("a.py", classpath=("x.jar",)), item("a.py"), False),
        (item("a.py", native="off"), item("a.py"), True),
        (item("a.py", jvm=None), item("a.py"), False),
        (item("a.py", jvm=None), item("a.py", jvm=None), True),
        (item("a.py", jvm=None, jvm_args=("-ea",)), item("a.py", jvm=None), True),
    ],
)
def test_who_may_share_a_child(one: pytest.Item, other: pytest.Item, together: bool) -> None:
    assert (group_of(one) == group_of(other)) is together


@pytest.mark.parametrize("isolation", ["test", None])
def test_who_has_no_group(isolation: str | None) -> None:
    assert group_of(item("a.py", isolation)) is None


@pytest.mark.parametrize("isolation", ["module", "session"])
def test_a_process_that_is_finalized_serves_no_other_test(isolation: str) -> None:
    assert group_of(item("a.py", isolation, finalize=True)) is None
    assert group_of(item("a.py", isolation)) is not None


def test_the_last_of_a_group() -> None:
    first, plain, last, other = item("a.py"), item("a.py", None), item("b.py"), item("b.py", "module")
    places = Places([first, plain, last, other])
    group = group_of(first)
    assert group is not None
    assert [places.may_come_again(group, one) for one in (first, plain, last, other)] == [True, True, False, False]
    assert list(places.after(plain)) == [last, other]


def test_the_next_of_a_group_is_the_next_test_of_its_child() -> None:
    first, other_mode, plain, second = item("a.py"), item("a.py", mode="pool"), item("a.py", None), item("b.py")
    stressed, alone, last = item("b.py", stress=Amount(2, None)), item("b.py", "test"), item("c.py")
    places = Places([first, other_mode, plain, second, stressed, alone, last])
    assert [places.next_in_group(one) for one in (first, second, last)] == [second, last, None]
    assert [places.next_in_group(one) for one in (other_mode, plain, alone)] == [None, None, None]


def test_an_item_that_came_later_has_a_place_of_its_own() -> None:
    first, later = item("a.py"), item("a.py")
    places = Places([first])
    assert [places.of(later), places.of(first), places.of(later)] == [1, 0, 1]
    assert places.items == [first, later]


@pytest.mark.parametrize(
    ("chosen", "processors", "workers", "number"),
    [
        (None, 1, 1, 1),
        (None, 2, 1, 2),
        (None, 64, 1, 4),
        (None, 2, 2, 1),
        (None, 2, 4, 0),
        (None, 16, 4, 4),
        (0, 16, 1, 0),
        (9, 2, 4, 9),
    ],
)
def test_how_many_may_be_ready(chosen: int | None, processors: int, workers: int, number: int) -> None:
    assert number_ready(chosen, processors, workers) == number
