"""Coverage counts what runs in a child, on the Java thread too, without an option of the user's."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any, Final

import coverage
import pytest

from ..forked_runs import run_python
from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS

PACKAGE: Final = """
def in_setup(x):
    if x:
        return 1
    return 2

def in_body(x):
    if x:
        y = 3
    else:
        y = 4
    return y

def in_teardown():
    return 5

def in_the_dead(x):
    return 6

def never():
    return 7
"""
SUITE: Final = """
import ctypes
import pytest
import measured

pytestmark = pytest.mark.foreign_thread(mode=["main", "same", "new", "pool", "python"])

@pytest.fixture
def around():
    measured.in_setup(1)
    yield
    measured.in_teardown()

@pytest.mark.parametrize("x", {values})
def test_body(around, x): assert measured.in_body(x) == 4 - x

@pytest.fixture
def before_death():
    measured.in_setup(0)

def test_death(before_death):
    measured.in_the_dead(1)
    ctypes.string_at(0)
"""
LINES: Final = {"in_setup": 3, "in_body": 4, "in_teardown": 1, "in_the_dead": 1, "never": 1}
"""Statements of each function of the package, its head not among them."""


def measure(folder: Path, *args: str, values: str = "[0, 1]", run: bool = False) -> dict[str, Any]:
    """Run the suite; return the report of coverage on the package by function, its totals under an empty name."""
    (folder / "measured.py").write_text(PACKAGE)
    (folder / "test_it.py").write_text(SUITE.replace("{values}", values))
    python, *pytest_command = run_command("-q", "--tb=no", *args)
    start = ["-m", "coverage", "run", "--source=measured"] if run else []
    done = run_python([python, *start, *pytest_command], folder, {**os.environ, **FEW_PLUGINS}, ENDLESS)
    assert "CoverageWarning" not in done.stdout + done.stderr
    document = report(folder)["files"]["measured.py"]
    assert not list(folder.glob(".coverage.*"))
    return {**document["functions"], "whole": document}


def report(folder: Path) -> dict[str, Any]:
    """Return what `coverage json --show-contexts` tells in a directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        measured = coverage.Coverage()
        measured.load()
        measured.json_report(outfile="coverage.json", show_contexts=True)
    document: dict[str, Any] = json.loads((folder / "coverage.json").read_text())
    return document


def executed(found: dict[str, Any]) -> dict[str, int]:
    return {name: len(found[name]["executed_lines"]) for name in LINES}


FEWER: Final = ("-k", "main or new")
"""A thread that Python made, and one that Java made."""
EXPECTED: Final = {**LINES, "in_the_dead": 0, "never": 0}


@pytest.mark.parametrize(
    "args",
    [(), ("-n2", *FEWER), ("-n2",), ("--foreign-thread-isolation=session",), ("--foreign-thread-ready=0",)],
    ids=["alone", "xdist", "xdist in all modes", "shared", "none ready"],
)
# A shared child has all modes; `test_branches` has a child for each test.
@pytest.mark.by_default("xdist", "shared")
def test_lines_of_every_phase_and_mode(tmp_path: Path, args: tuple[str, ...]) -> None:
    """The body that died had not been saved; what ran before it had."""
    assert executed(measure(tmp_path, "--cov=measured", *args)) == EXPECTED


def test_branches(tmp_path: Path) -> None:
    whole = measure(tmp_path, "--cov=measured", "--cov-branch", "-k", "new")["whole"]
    assert (whole["summary"]["covered_branches"], whole["missing_branches"]) == (4, [])


def test_a_branch_that_was_not_taken(tmp_path: Path) -> None:
    whole = measure(tmp_path, "--cov=measured", "--cov-branch", "-k", "new and body", values="[0]")["whole"]
    assert whole["summary"]["covered_branches"] == 2


@pytest.mark.parametrize("modes", [("-k", "new"), FEWER, ()], ids=["one", "fewer", "all"])
# `test_lines_of_every_phase_and_mode` has all modes.
@pytest.mark.by_default("one")
def test_without_pytest_cov(tmp_path: Path, modes: tuple[str, ...]) -> None:
    assert executed(measure(tmp_path, "-p", "no:pytest_cov", *modes, run=True)) == EXPECTED


def test_contexts_are_those_of_the_tests(tmp_path: Path) -> None:
    whole = measure(tmp_path, "--cov=measured", "--cov-context=test", "-k", "new and body")["whole"]
    contexts = {context for of_line in whole["contexts"].values() for context in of_line}
    tests = ("test_it.py::test_body[0-new]", "test_it.py::test_body[1-new]")
    assert contexts - {""} == {f"{test}|{phase}" for test in tests for phase in ("setup", "run", "teardown")}


def test_parallel_files_of_the_users_configuration(tmp_path: Path) -> None:
    (tmp_path / ".coveragerc").write_text(
        textwrap.dedent("""
        [run]
        parallel = true
        concurrency = thread, multiprocessing
    """)
    )
    assert executed(measure(tmp_path, "--cov=measured", "--cov-config=.coveragerc", "-k", "new")) == EXPECTED
