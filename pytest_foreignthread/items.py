"""Which items are foreign-thread tests, and one item per mode."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pytest

from .markers import MARKER, Marked, read_markers
from .options import settings_for
from .settings import Jvm, Settings

SETTINGS = pytest.StashKey[Settings]()
_ITEM_MODE = pytest.StashKey[str]()

MODE_FIXTURE: Final = "_foreign_thread_mode"
_LISTS: Final = "a function or TestCase method that is marked in its source, or whose class or module is"
_FIXTURES: Final = frozenset({"jvm", "foreign_thread"})


def is_foreign(item: pytest.Item) -> bool:
    """Whether the test is marked, or asks for a fixture that needs a JVM."""
    return item.get_closest_marker(MARKER) is not None or not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def give_settings(items: Iterable[pytest.Item], options: dict[str, Any], jvm: Jvm) -> None:
    """`items` have passed `check_markers`."""
    for item in items:
        marked = read_markers(item)
        is_marked = item.get_closest_marker(MARKER) is not None
        # A test that asks for a fixture without a marker stays on the main thread: only its calls go abroad.
        mode = _item_mode(item) or (marked.modes[0] if is_marked else "main")
        item.stash[SETTINGS] = settings_for(marked.values, mode, mode if is_marked else "new", options, jvm)


def check_markers(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError that names each marker that cannot be understood, by the first test that it stands for."""
    tests: dict[tuple[str, str], list[str]] = {}
    for item in items:
        for place, problem in _problems(item, read_markers(item)):
            tests.setdefault((place, problem), []).append(item.nodeid)
    if tests:
        raise pytest.UsageError(
            "\n".join(f"{_first_of(nodeids)}: {problem}" for (_, problem), nodeids in tests.items())
        )


def _first_of(nodeids: list[str]) -> str:
    return nodeids[0] if len(nodeids) == 1 else f"{nodeids[0]} (and {len(nodeids) - 1} more)"


def _problems(item: pytest.Item, marked: Marked) -> Iterator[tuple[str, str]]:
    yield from marked.problems
    if len(marked.modes) > 1 and _item_mode(item) is None:
        # It came too late, or to something that is no function, and to run in the first mode alone would say nothing.
        yield (
            item.nodeid,
            f"{MARKER}(mode={list(marked.modes)!r}): want one mode here; a list makes several tests of {_LISTS}",
        )


def _item_mode(item: pytest.Item) -> str | None:
    """Give the mode of an item that was made for one."""
    if _ITEM_MODE in item.stash:
        return item.stash[_ITEM_MODE]
    callspec = getattr(item, "callspec", None)
    mode: str | None = callspec.params.get(MODE_FIXTURE) if callspec else None
    return mode


def parametrize_modes(metafunc: pytest.Metafunc) -> None:
    """Make one item per mode of a marker that lists several."""
    modes = _several_modes(metafunc.definition)
    if modes:
        metafunc.fixturenames.append(MODE_FIXTURE)
        metafunc.parametrize(MODE_FIXTURE, modes, indirect=True, ids=modes)


def with_modes(items: Sequence[Any]) -> Iterator[Any]:
    """Give each `unittest.TestCase` method once per mode; pytest does not parametrize them."""
    for item in items:
        # The session's own report, of the ids that a user gave, holds what a class's report has given already.
        modes = _several_modes(item) if _is_testcase_method(item) and _item_mode(item) is None else ()
        if not modes:
            yield item
        for mode in modes:
            yield _twin(item, mode)


def _twin(item: Any, mode: str) -> Any:
    kind = types.new_class(type(item).__name__, (_OneMode, type(item)))
    # The name in brackets is what `pytest test_x.py::Case::test_y[new]` is matched against. Given an `originalname`,
    # pytest 9.2 would make the id from that.
    twin: Any = kind.from_parent(item.parent, name=f"{item.name}[{mode}]", callobj=item.obj)  # type: ignore[attr-defined]
    twin.originalname = item.name
    twin.stash[_ITEM_MODE] = mode
    return twin


class _OneMode:
    parent: Any
    nodeid: str

    @property
    def id(self) -> Any:
        """`--lf` of pytest 9.2 compares ids part by part, and its own for this item has no brackets of parameters."""
        return type(self.parent.id).parse(self.nodeid)


def _is_testcase_method(item: Any) -> bool:
    unittest = sys.modules.get("unittest")
    if unittest is None or not isinstance(item, pytest.Function):
        return False
    return isinstance(item.cls, type) and issubclass(item.cls, unittest.TestCase)


def _several_modes(node: Any) -> tuple[str, ...]:
    modes = read_markers(node).modes
    return modes if len(modes) > 1 else ()
