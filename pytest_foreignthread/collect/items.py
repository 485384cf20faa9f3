"""Which items are foreign-thread tests, with which settings; and the making of one item for each mode."""

from __future__ import annotations

import sys
import types
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import pytest

from ..config.chosen_options import Options
from ..config.option_table import MODE
from ..config.options import is_given
from ..config.settings_of_test import settings_for
from ..config.stash_keys import SETTINGS
from ..config.stress_options import checks_on_command_line, stress_hindrance
from ..interop.hypothesis import is_hypothesis_test
from ..interop.pytest_fixtures import parameters_of
from ..interop.pytest_steps import may_run_at_once
from ..matrix.baseline.merged import KnownOutcomes
from ..model.choices import MARKER, MODES
from ..model.modes import OwnMode, has_one_thread
from ..model.nodeids import without_mode
from ..model.settings import NO_SEED, VIRTUAL_SINCE, Jvm, needs_newer_jdk
from ..model.stress_choice import Amount, Seed
from .activation import forked_by_option, is_marked, needs_child
from .identity import own_id
from .jvm_need import check_none, is_to_have_jvm, why_no_jvm
from .markers import Marked, read_markers
from .own_modes import OWN_MODES
from .selection import SELECTION, Census, Selection, is_forked, reasons
from .timeouts import with_limits_of_pytest_timeout

_ITEM_MODE = pytest.StashKey[str]()

MODE_FIXTURE: Final = "_foreign_thread_mode"
_LISTS: Final = "a function or TestCase method that is marked in its source, or whose class or module is"


class _Reading(NamedTuple):
    """What is read of an item, once: each look at its markers walks up to the session."""

    item_mode: str | None
    is_marked: bool
    marked: Marked

    @property
    def has_mode(self) -> bool:
        """Whether the item was made for a mode, or is marked and not left to pytest."""
        return self.item_mode is not None or (self.is_marked and self.marked.skip is None)

    @property
    def mode(self) -> str:
        """The mode of the body; without a marker it is `main`."""
        return self.item_mode or (self.marked.modes[0] if self.has_mode else "main")

    @property
    def call_mode(self) -> str:
        """The mode of `foreign_thread.call`; without a marker it is the default: only calls leave the main thread."""
        return self.mode if self.has_mode else MODE.default[0]


def _reading(item: pytest.Item) -> _Reading:
    return _Reading(_item_mode(item), is_marked(item), read_markers(item))


def is_foreign(item: pytest.Item) -> bool:
    """Return whether a test runs in a child: it is marked, in the matrix, requests a child's fixture, or is forked."""
    return is_more_than_forked(item) or is_forked(item)


def is_more_than_forked(item: pytest.Item) -> bool:
    """Return whether a test runs in a child for another reason than that pytest-forked would fork it."""
    return _is_more_than_forked(item, _reading(item))


def _is_more_than_forked(item: pytest.Item, reading: _Reading) -> bool:
    return reading.has_mode or needs_child(item)


def needs_jvm(item: pytest.Item, options: Options) -> bool:
    """Return whether a foreign-thread test runs with a JVM; `options` are of this run."""
    return _needs_jvm(item, _reading(item), options)


def _needs_jvm(item: pytest.Item, reading: _Reading, options: Options) -> bool:
    if not _is_more_than_forked(item, reading):
        return False
    row = _selection(item).modes_by(reading.marked, is_marked=reading.is_marked) or (reading.call_mode,)
    return is_to_have_jvm(item, reading.call_mode, row, _own_modes(item), options.jvm)


def check_no_jvm(items: Iterable[pytest.Item], options: Options) -> None:
    """Raise UsageError if a test needs a JVM that it may not have. `items` have passed `check_markers`."""
    if why_no_jvm(options, ()) is None:
        return
    needs: dict[tuple[str, str], dict[str, str]] = {}
    for item in items:
        reading = _reading(item)
        no_jvm = why_no_jvm(options, reading.marked.values.get("check", options.check))
        if no_jvm is not None and _needs_jvm(item, reading, options):
            needs.setdefault(no_jvm, {})[item.nodeid] = reading.call_mode
    own = next((_own_modes(item) for item in items), {})
    for no_jvm, tests in needs.items():
        check_none(tests, (*MODES, *own), own, no_jvm)


def _own_modes(item: pytest.Item) -> Mapping[str, OwnMode]:
    return item.config.stash.get(OWN_MODES, {})


def marked_stress(item: pytest.Item) -> Amount | None:
    """Return the amount of rounds in the test's marker."""
    amount: Amount | None = read_markers(item).values.get("stress")
    return amount


def is_of_matrix(item: pytest.Item) -> bool:
    return bool(_selection(item).modes) and _item_mode(item) is not None


def runs_of_matrix(items: Iterable[pytest.Item]) -> Mapping[str, int]:
    """Return the number of items of each test in the matrix, by node id without the mode."""
    return Counter(without_mode(own_id(item), _item_mode(item) or "") for item in items if is_of_matrix(item))


def census(items: Iterable[pytest.Item], runs_of: Mapping[str, int]) -> Census:
    """Return how many tests the matrix has, each counted once, and how many items it does not have."""
    return Census(len(runs_of), reasons(item for item in items if not is_of_matrix(item)))


def give_settings(
    items: Iterable[pytest.Item],
    options: Options,
    jvm: Jvm | None,
    known: KnownOutcomes | None = None,
    stress_seed: Seed = NO_SEED,
) -> None:
    """Put the settings of each item into its stash. `items` have passed `check_markers`.

    `jvm` is the JVM of those that need one.
    """
    for item in items:
        runs_rounds = stress_hindrance(item.config) is None
        reading = _reading(item)
        marked, mode = reading.marked, reading.mode
        settings = settings_for(
            marked.values,
            mode,
            reading.call_mode,
            options,
            jvm if _needs_jvm(item, reading, options) else None,
            # A matrix has many tests that nobody has looked at one by one, and of each several.
            isolation="auto" if is_of_matrix(item) else "test",
        )
        # pytest-forked runs each test in a process of its own, and so does this plugin in its place.
        if is_forked(item):
            settings = replace(settings, isolation="test")
        given = is_given(item.config, "timeout")
        settings = with_limits_of_pytest_timeout(settings, item, marked="timeout" in marked.values, given=given)
        test = own_id(item) if _item_mode(item) is None else without_mode(own_id(item), mode)
        stress = settings.stress if runs_rounds else None
        item.stash[SETTINGS] = replace(
            settings,
            test=test,
            stress_seed=stress_seed,
            stress=stress,
            stress_threads=1 if stress is None or _is_for_one_thread(item, mode) else settings.stress_threads,
            own_modes=_own_modes(item),
            rerun_options=_rerun_options(item, mode),
            expect=marked.expect,
            known=(known or KnownOutcomes()).of(test, mode, marked.expect),
        )
        if mode == "virtual" and _is_too_old(jvm):
            item.add_marker(pytest.mark.skip(reason=needs_newer_jdk(str(jvm))))


def _is_for_one_thread(item: pytest.Item, mode: str) -> bool:
    return has_one_thread(mode, _own_modes(item)) or not may_run_at_once(item) or is_hypothesis_test(item)


def _is_too_old(jvm: Jvm | None) -> bool:
    return jvm is not None and jvm.release is not None and jvm.release < VIRTUAL_SINCE


def _rerun_options(item: pytest.Item, mode: str) -> tuple[str, ...]:
    # Without its checkers a test may end in another way.
    checks = checks_on_command_line(item.config)
    if not is_of_matrix(item):
        # Without this option pytest would run the test in its own process, which the test may kill.
        return (*(("--forked",) if is_forked(item) and forked_by_option(item.config) else ()), *checks)
    everything = () if is_marked(item) else ("--foreign-thread-all",)
    return (f"--foreign-thread-modes={mode}", *everything, *checks)


def _selection(node: Any) -> Selection:
    return node.config.stash.get(SELECTION, Selection())  # type: ignore[no-any-return]


def check_markers(items: Iterable[pytest.Item]) -> None:
    """Raise UsageError if markers are wrong. It names each wrong marker once, by the first test that has it."""
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
    if marked.skip is None and len(marked.modes) > 1 and _item_mode(item) is None:
        # The marker was added after the items were made, or is on an item that is no function. Running the test in its
        # first mode only, without an error, would hide that the other modes did not run.
        yield (
            item.nodeid,
            f"{MARKER}(mode={list(marked.modes)!r}): expected one mode here; a list makes several tests of {_LISTS}",
        )


def _item_mode(item: pytest.Item) -> str | None:
    """Return the mode of an item that was made for one mode; None for any other item."""
    if _ITEM_MODE in item.stash:
        return item.stash[_ITEM_MODE]
    mode: str | None = parameters_of(item).get(MODE_FIXTURE)
    return mode


def parametrize_modes(metafunc: pytest.Metafunc) -> None:
    """Make one item for each mode of the matrix, or for each mode of a marker that lists several."""
    modes = _modes(metafunc.definition)
    if modes:
        metafunc.fixturenames.append(MODE_FIXTURE)
        metafunc.parametrize(MODE_FIXTURE, modes, indirect=True, ids=modes)


def with_modes(items: Sequence[Any]) -> Iterator[Any]:
    """Yield an item for each mode of a `unittest.TestCase` method, because pytest does not parametrize such methods."""
    for item in items:
        # An item that has a mode comes a second time: first in the report of its class, then in that of the session.
        modes = _modes(item) if _is_testcase_method(item) and _item_mode(item) is None else ()
        if not modes:
            yield item
        for mode in modes:
            yield _twin(item, mode)


def _twin(item: Any, mode: str) -> Any:
    kind = types.new_class(type(item).__name__, (_OneMode, type(item)))
    # pytest matches `test_x.py::Case::test_y[new]` on a command line against the name with its brackets. `originalname`
    # is set after the item was made: from an `originalname` argument pytest 9.2 would make the id.
    bound = _Bound(item.obj, item.instance)
    twin: Any = kind.from_parent(item.parent, name=f"{item.name}[{mode}]", callobj=bound)  # type: ignore[attr-defined]
    twin.obj = item.obj
    twin.originalname = item.name
    twin.stash[_ITEM_MODE] = mode
    return twin


class _Bound:
    """A stand-in for a test's callable while pytest makes an item: pytest takes the instance from its `__self__`.

    A static method, a partial function and a callable object have no `__self__`; that of a class method is the class.
    """

    __slots__ = ("__dict__", "_instance")

    def __init__(self, function: object, instance: object) -> None:
        self._instance = instance
        self.__dict__.update(getattr(function, "__dict__", {}))

    @property
    def __self__(self) -> object:
        return self._instance


class _OneMode:
    parent: Any
    nodeid: str

    @property
    def id(self) -> Any:
        """The id of the item, parsed again from its text.

        `--lf` of pytest 9.2 compares ids part by part. The id that pytest makes for this item has the mode as a part of
        the name, not as parameters.
        """
        return type(self.parent.id).parse(self.nodeid)


def _is_testcase_method(item: Any) -> bool:
    unittest = sys.modules.get("unittest")
    if unittest is None or not isinstance(item, pytest.Function):
        return False
    return isinstance(item.cls, type) and issubclass(item.cls, unittest.TestCase)


def _modes(node: Any) -> tuple[str, ...]:
    return _selection(node).modes_of(node)
