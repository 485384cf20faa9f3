"""Which tests have a JVM: because of their mode, of their fixtures, or of the user's option."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pytest

from ..config.chosen_options import Options
from ..interop.fixture_definitions import is_overridden
from ..interop.jep import is_inside_jep
from ..interop.pytest_fixtures import fixture_names
from ..model.checkers import OF_INTERPRETER
from ..model.modes import NO_JVM, OwnMode, mode_needs_jvm, runs_with_jvm, without_jvm

JVM_FIXTURE: Final = "_foreign_thread_jvm"
"""The fixture that this plugin's fixture `jvm` requests, and that a suite's own fixture of that name does not."""
BRIDGE: Final = "foreign_thread_bridge"
FIXTURES: Final = "pytest_foreignthread.fixtures"


def asks_for_jvm(item: pytest.Item) -> bool:
    """Return whether a test requests this plugin's fixture `jvm`, or a bridge that the project has overridden."""
    names = fixture_names(item)
    return JVM_FIXTURE in names or (BRIDGE in names and is_overridden(item, BRIDGE, FIXTURES))


def is_to_have_jvm(
    item: pytest.Item, mode: str, row: Iterable[str], own: Mapping[str, OwnMode], named: str | None
) -> bool:
    """Return whether a test in a mode runs with a JVM.

    `row` are all modes of the test, `own` the project's modes, and `named` the user's option `foreign_thread_jvm`.
    """
    chosen = named not in (None, NO_JVM)
    return chosen or runs_with_jvm(mode, row, own) or asks_for_jvm(item)


def check_none(
    needs: Mapping[str, str], modes: Iterable[str], own: Mapping[str, OwnMode], no_jvm: tuple[str, str]
) -> None:
    """Raise UsageError if tests need a JVM (node id → mode); `no_jvm` says why there is none, and what to do."""
    if not needs:
        return
    # Name a test whose own mode needs a JVM, if there is one: a control has a JVM only because other modes have one.
    test, mode = min(needs.items(), key=lambda one: not mode_needs_jvm(one[1], own))
    more = f" (and {len(needs) - 1} more)" if len(needs) > 1 else ""
    what = f"mode {mode!r} needs a JVM" if mode_needs_jvm(mode, own) else "one of its fixtures needs a JVM"
    choice = ", ".join(without_jvm(tuple(modes), own))
    why, instead = no_jvm
    raise pytest.UsageError(
        f"{test}{more}: {what}, and {why}: choose a mode that needs none ({choice}), with the marker's mode or with "
        f"--foreign-thread-modes; or {instead}"
    )


def why_no_jvm(options: Options, checks: Iterable[str]) -> tuple[str, str] | None:
    """Return why a test with these checkers may have no JVM, and what changes that; None for a test that may."""
    if options.jvm == NO_JVM:
        return f"foreign_thread_jvm is {NO_JVM!r}", "leave out foreign_thread_jvm"
    # A checker of the interpreter asks for a fresh one, unless the user insists on a fork.
    is_fresh = options.start == "spawn" or (options.start is None and not OF_INTERPRETER.isdisjoint(checks))
    if is_inside_jep() and not is_fresh:
        return (
            "pytest runs inside jep: no child can use the JVM of a Java program that has started Python",
            "set foreign_thread_start = spawn, which runs all foreign-thread tests in fresh interpreters, with a JVM "
            "of JPype's and without jep",
        )
    return None
