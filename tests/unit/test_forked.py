"""Which tests are taken from pytest-forked, what they run with, and what is said of one that broke without a JVM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.collect.items import give_settings, is_foreign, needs_jvm
from pytest_foreignthread.collect.selection import SELECTION, Selection
from pytest_foreignthread.config.stash_keys import SETTINGS
from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import EndedBy, Exited, Observation, ReportMade
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Evidence
from pytest_foreignthread.model.settings import Jvm

from .sample_cases import crashed
from .sample_options import chosen

JVM: Final = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")
OPTIONS: Final = chosen(timeout=7.0, isolation="session")
SUITE: Final = """
import unittest
import pytest

forked = pytest.mark.forked
foreign = pytest.mark.foreign_thread

def test_plain(): pass
@forked
def test_forked(): pass
@forked
def test_with_jvm(jvm): pass
@forked
def test_with_bridge(foreign_thread_bridge): pass
@forked
@foreign(mode="pool")
def test_both(): pass
@forked
@foreign(skip="not on a Java thread", timeout=2)
def test_left_out(): pass
@foreign
def test_foreign(): pass
@forked
class Case(unittest.TestCase):
    def test_method(self): pass
"""
# Name → mode, whether with a JVM, isolation, timeout.
TAKEN: Final = {
    "test_forked": ("main", False, "test", 7.0),
    "test_with_jvm": ("main", True, "test", 7.0),
    "test_with_bridge": ("main", True, "test", 7.0),
    "test_both": ("pool", True, "test", 7.0),
    "test_left_out": ("main", False, "test", 2.0),
    "test_foreign": ("new", True, "session", 7.0),
    "Case::test_method": ("main", False, "test", 7.0),
}

Collect = Callable[[str, bool], list[pytest.Item]]


@pytest.fixture
def collect(pytester: pytest.Pytester) -> Collect:
    def collected(source: str, taken: bool) -> list[pytest.Item]:
        items = pytester.genitems([pytester.getmodulecol(source)])
        items[0].config.stash[SELECTION] = Selection(forked=taken)
        return items

    return collected


def name(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]


def test_what_is_taken_and_what_it_runs_with(collect: Collect) -> None:
    items = [item for item in collect(SUITE, True) if is_foreign(item)]
    give_settings(items, OPTIONS, JVM)
    settings = {name(item): item.stash[SETTINGS] for item in items}
    assert {key: (one.mode, one.jvm is not None, one.isolation, one.timeout) for key, one in settings.items()} == TAKEN


def test_what_is_left_to_pytest_forked(collect: Collect) -> None:
    items = [item for item in collect(SUITE, False) if is_foreign(item)]
    assert [name(item) for item in items] == ["test_with_jvm", "test_with_bridge", "test_both", "test_foreign"]
    give_settings(items, OPTIONS, JVM)
    assert {item.stash[SETTINGS].isolation for item in items} == {"session"}


def test_who_needs_a_jvm(collect: Collect) -> None:
    items = [item for item in collect(SUITE, True) if is_foreign(item)]
    assert {name(item): needs_jvm(item, OPTIONS) for item in items} == {key: one[1] for key, one in TAKEN.items()}


JAVAS: Final = ("Java", "jvm", "JVM", "foreign")
"""Words that make no sense to a test without a JVM."""


def without_jvm(outcome: Outcome, kind: str, text: str) -> Case:
    message = ReportMade({"outcome": "failed"}, ((kind, text),))
    observed = Observation((message,), Exited(0), EndedBy.ITSELF, Phase.CALL, 1.0, 1.0, 5.0)
    return Case(outcome, Phase.CALL, None, None, Evidence(), observed, "main", None, False)


SQLITE: Final = (
    "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id 1"
)
TOLD: Final = {
    "exited": crashed(outcome=Outcome.CRASH, signal=None, end=Exited(3), exit_code=3, jvm=False),
    "oom-killed": crashed(outcome=Outcome.CRASH, signal="SIGKILL", oom_kills=1, jvm=False),
    "main-thread-only": without_jvm(
        Outcome.FAILED, "ValueError", "signal only works in main thread of the main interpreter"
    ),
    "thread-affine": without_jvm(Outcome.FAILED, "ProgrammingError", SQLITE),
}


@pytest.mark.parametrize(("code", "case"), TOLD.items(), ids=TOLD)
def test_no_diagnosis_speaks_of_a_jvm_that_is_not_there(code: str, case: Case) -> None:
    found = diagnose(case)
    assert found is not None
    assert found.code == code
    assert [word for word in JAVAS if word in f"{found.text} {found.help}"] == []
