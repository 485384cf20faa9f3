"""What a run makes of the checkers that it is asked for: arguments, start method, children, notes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

from pytest_foreignthread.config.settings_of_test import settings_for
from pytest_foreignthread.model.checkers import checks_in, has_own_interpreter, note_of, with_jni_check
from pytest_foreignthread.model.settings import Jvm, Settings
from pytest_foreignthread.model.wording import folded
from pytest_foreignthread.run.isolation import jvm_key
from pytest_foreignthread.run.start_method import Starts

from .sample_options import chosen

JVM: Final = Jvm(Path("/jdk/lib/server/libjvm.so"), "25", "a test")
WITH_JVM: Final = Settings("new", "new", 30.0, JVM)
WITHOUT: Final = Settings("native", "native", 30.0, None)


@pytest.mark.parametrize(
    ("given", "checks", "expected"),
    [
        ((), (), ()),
        ((), ("malloc",), ()),
        (("-ea",), ("jni",), ("-ea", "-Xcheck:jni")),
        (("-Xcheck:jni", "-ea"), ("jni", "dev"), ("-Xcheck:jni", "-ea")),
    ],
)
def test_the_argument_of_the_jvm(given: tuple[str, ...], checks: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert with_jni_check(given, checks) == expected


def test_a_marker_replaces_the_checkers_of_the_run() -> None:
    options = chosen(check=("jni",), jvm_args=("-ea",))
    of_run = settings_for({}, "new", "new", options, JVM)
    assert (of_run.checks, of_run.jvm_args) == (("jni",), ("-ea", "-Xcheck:jni"))
    of_test = settings_for({"check": ("dev",), "jvm_args": ()}, "new", "new", options, JVM)
    assert (of_test.checks, of_test.jvm_args) == (("dev",), ())


@pytest.mark.parametrize("settings", [WITH_JVM, WITHOUT])
def test_tests_with_different_interpreters_share_no_child(settings: Settings) -> None:
    keys = [jvm_key(replace(settings, checks=checks)) for checks in ((), ("malloc",), ("dev",), ("malloc", "dev"))]
    assert len(set(keys)) == 4
    assert jvm_key(replace(settings, checks=("jni",))) == keys[0]


@pytest.mark.parametrize(
    ("asked", "checks", "how"),
    [
        (None, (), "fork"),
        (None, ("jni",), "fork"),
        (None, ("malloc",), "spawn"),
        (None, ("jni", "dev"), "spawn"),
        ("spawn", ("jni",), "spawn"),
        ("fork", ("jni",), "fork"),
    ],
)
def test_how_a_child_starts(asked: str | None, checks: tuple[str, ...], how: str) -> None:
    assert Starts(asked).how(replace(WITHOUT, checks=checks)) == how


def test_a_fork_cannot_have_another_interpreter() -> None:
    starts = Starts("fork")
    starts.check(["jni"])
    with pytest.raises(
        pytest.UsageError, match=r"^foreign_thread_check = malloc,dev: expected no foreign_thread_start"
    ):
        starts.check(["jni", "malloc", "dev"])


def test_an_interpreter_that_reads_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "flags", SimpleNamespace(ignore_environment=1))
    Starts(None).check(["jni", "dev"])
    with pytest.raises(pytest.UsageError, match=r"^foreign_thread_check = malloc: expected a Python that reads"):
        Starts(None).check(["malloc"])


def test_the_note_says_which_checkers_were_on() -> None:
    assert note_of(("jni", "malloc")) == "checkers: jni, malloc"
    assert checks_in(["another note", note_of(("jni", "malloc"))]) == {"jni", "malloc"}
    assert has_own_interpreter([note_of(("jni", "malloc"))])
    assert not has_own_interpreter([note_of(("jni",)), "it was malloc, dev"])


def test_a_checkers_own_interpreters_are_no_sign_of_a_jvm() -> None:
    entries = [{"start": "spawn", "notes": [note_of(("dev",))]}, {"start": "fork", "notes": []}]
    assert list(Starts(None).summary(entries)) == []
    assert len(list(Starts(None).summary([*entries, {"start": "spawn", "notes": []}]))) == 1


def test_equal_findings_are_reported_once() -> None:
    assert folded(["a\n  at b", "c", "a\n  at b"]) == ["a\n  at b\n  (2 times)", "c"]
