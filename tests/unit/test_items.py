"""Which items are foreign-thread tests, one item per mode, and how bad markers are told of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.collect.items import check_markers, give_settings, is_foreign
from pytest_foreignthread.config.stash_keys import SETTINGS
from pytest_foreignthread.model.choices import MODES
from pytest_foreignthread.model.settings import Jvm, Settings

from .sample_options import chosen

JVM: Final = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")
OPTIONS: Final = chosen(timeout=30.0)

SUITE: Final = """
import unittest
import pytest

foreign = pytest.mark.foreign_thread
both = foreign(mode=["same", "new"])

def test_plain(): pass
def test_plain_with_fixture(tmp_path): pass
def test_jvm_fixture(jvm): pass
def test_fixture(foreign_thread): pass
@pytest.mark.usefixtures("foreign_thread")
def test_used_fixture(): pass

@foreign
def test_default(): pass
@foreign(mode="pool")
def test_pool(): pass
@foreign(mode=["main"])
def test_list_of_one(): pass
@both
def test_two(): pass
@both
@pytest.mark.parametrize("number", [1, 2])
def test_two_by_two(number): pass
@pytest.mark.parametrize("number", [pytest.param(1, marks=foreign(mode="same")), 2])
def test_one_parameter(number): pass

@both
class TestClass:
    def test_inherits(self): pass
    @foreign(mode="pool")
    def test_own(self): pass

class Case(unittest.TestCase):
    @both
    def test_two(self): pass
    @foreign(mode="main")
    def test_one(self): pass
    def test_plain(self): pass

@foreign(mode=("pool", "main"))
class MarkedCase(unittest.TestCase):
    def test_inherits(self): pass
"""
# Name of each foreign item → where its body runs, where `foreign_thread.call` does.
FOREIGN: Final = {
    "test_jvm_fixture": ("main", "new"),
    "test_fixture": ("main", "new"),
    "test_used_fixture": ("main", "new"),
    "test_default": ("new", "new"),
    "test_pool": ("pool", "pool"),
    "test_list_of_one": ("main", "main"),
    "test_two[same]": ("same", "same"),
    "test_two[new]": ("new", "new"),
    "test_two_by_two[1-same]": ("same", "same"),
    "test_two_by_two[1-new]": ("new", "new"),
    "test_two_by_two[2-same]": ("same", "same"),
    "test_two_by_two[2-new]": ("new", "new"),
    "test_one_parameter[1]": ("same", "same"),
    "TestClass::test_inherits[same]": ("same", "same"),
    "TestClass::test_inherits[new]": ("new", "new"),
    "TestClass::test_own": ("pool", "pool"),
    "Case::test_two[same]": ("same", "same"),
    "Case::test_two[new]": ("new", "new"),
    "Case::test_one": ("main", "main"),
    "MarkedCase::test_inherits[pool]": ("pool", "pool"),
    "MarkedCase::test_inherits[main]": ("main", "main"),
}
PLAIN: Final = {"test_plain", "test_plain_with_fixture", "test_one_parameter[2]", "Case::test_plain"}

Collect = Callable[[str], list[pytest.Item]]


@pytest.fixture
def collect(pytester: pytest.Pytester) -> Collect:
    return lambda source: pytester.genitems([pytester.getmodulecol(source)])


def name(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]


def test_items_and_their_modes(collect: Collect) -> None:
    items = collect(SUITE)
    foreign = [item for item in items if is_foreign(item)]
    check_markers(foreign)
    give_settings(foreign, OPTIONS, JVM)
    settings: dict[str, Settings] = {name(item): item.stash[SETTINGS] for item in foreign}
    assert {key: (one.mode, one.call_mode) for key, one in settings.items()} == FOREIGN
    assert {name(item) for item in items} - set(settings) == PLAIN


AT_ONCE: Final = """
import contextlib
import unittest
import hypothesis
import pytest

foreign = pytest.mark.foreign_thread(mode="native", stress=3)

@foreign
def test_plain(): pass
@pytest.mark.foreign_thread(mode=["new", "same", "main", "pool"], stress=3)
def test_modes(): pass
@foreign
@pytest.mark.foreign_thread(stress_threads=1)
def test_alone(): pass
@pytest.mark.foreign_thread(stress_threads=4)
@foreign
def test_four(): pass
@pytest.mark.foreign_thread(mode="native", stress_threads=4)
def test_without_rounds(): pass
@foreign
async def test_coroutine(): pass
@foreign
async def test_generator(): yield
@foreign
@hypothesis.given(hypothesis.strategies.integers())
def test_given(number): pass
@foreign
class TestClass:
    def test_method(self): pass
@foreign
class Case(unittest.TestCase):
    def test_method(self): pass
@foreign
class AsyncCase(unittest.IsolatedAsyncioTestCase):
    async def test_method(self): pass
"""
THREADS: Final = {
    "test_plain": 8,
    "test_modes[new]": 8,
    "test_modes[same]": 1,
    "test_modes[main]": 1,
    "test_modes[pool]": 8,
    "test_alone": 1,
    "test_four": 4,
    "test_without_rounds": 1,
    "test_coroutine": 1,
    "test_generator": 1,
    "test_given": 1,
    "TestClass::test_method": 8,
    "Case::test_method": 8,
    "AsyncCase::test_method": 1,
}


def test_a_function_is_called_at_once_on_as_many_threads_as_it_can(collect: Collect) -> None:
    items = collect(AT_ONCE)
    give_settings(items, chosen(timeout=30.0, stress_threads=8), JVM)
    assert {name(item): item.stash[SETTINGS].stress_threads for item in items} == THREADS


def test_the_modes_of_a_test_stand_together_in_their_order(collect: Collect) -> None:
    names = [name(item) for item in collect(SUITE)]
    assert names.index("test_two[new]") == names.index("test_two[same]") + 1
    assert names.index("Case::test_two[new]") == names.index("Case::test_two[same]") + 1
    assert len(set(names)) == len(names)


BAD: Final = """
import pytest

bad = pytest.mark.foreign_thread(timeout=0)
pytestmark = pytest.mark.foreign_thread(mode="sam")

@bad
def test_one(): pass
@bad
@pytest.mark.parametrize("number", [1, 2, 3])
def test_three(number): pass
class TestClass:
    pytestmark = pytest.mark.foreign_thread(jvm_args=7, spare=1)
    def test_a(self): pass
    def test_b(self): pass
@pytest.mark.foreign_thread(mode=["new", "new"], timeout=2)
def test_double(): pass
"""
A_MODE: Final = f"expected one of {', '.join(map(repr, MODES))}, or a list of them"
SECONDS: Final = "expected a positive number of seconds, such as 30 or 0.5"
STRINGS: Final = "expected a string or a list of strings, such as ['-Xmx256m', '-ea']"


def test_all_bad_markers_are_reported_at_once_each_of_them_once(collect: Collect) -> None:
    items = collect(BAD)
    with pytest.raises(pytest.UsageError) as raised:
        check_markers(items)
    file = items[0].nodeid.partition("::")[0]
    assert str(raised.value).splitlines() == [
        f"{file}::test_one: foreign_thread(timeout=0): {SECONDS}, got 0",
        f"{file}::test_one (and 6 more): foreign_thread(mode='sam'): {A_MODE}, got 'sam'",
        f"{file}::test_three[1] (and 2 more): foreign_thread(timeout=0): {SECONDS}, got 0",
        f"{file}::TestClass::test_a (and 1 more): foreign_thread(jvm_args=7): {STRINGS}, got 7",
        f"{file}::TestClass::test_a (and 1 more): foreign_thread(spare=1): no such argument; "
        "it takes mode, timeout, jvm_args, classpath, isolation, stack, block_signals, finalize, check, stress, "
        "stress_threads, skip, expect",
        f"{file}::test_double: foreign_thread(mode=['new', 'new']): expected each mode once, got ['new', 'new']",
    ]


LATE: Final = """
import pytest

two = pytest.mark.foreign_thread(mode=["new", "same"])

@pytest.mark.parametrize("number", [pytest.param(1, marks=two), 2])
def test_parameter(number): pass
def test_late(): pass
"""


def test_several_modes_where_no_items_can_be_made_of_them(collect: Collect) -> None:
    items = collect(LATE)
    items[2].add_marker(pytest.mark.foreign_thread(mode=["pool", "main"]))
    with pytest.raises(pytest.UsageError) as raised:
        check_markers([item for item in items if is_foreign(item)])
    parameter, late = str(raised.value).splitlines()
    assert "::test_parameter[1]: foreign_thread(mode=['new', 'same']): expected one mode here" in parameter
    assert "::test_late: foreign_thread(mode=['pool', 'main']): expected one mode here" in late


def test_one_mode_may_come_late(collect: Collect) -> None:
    (item,) = collect("def test_late(): pass")
    item.add_marker(pytest.mark.foreign_thread(mode="pool", timeout=3))
    give_settings([item], OPTIONS, JVM)
    assert (item.stash[SETTINGS].mode, item.stash[SETTINGS].timeout) == ("pool", 3.0)
