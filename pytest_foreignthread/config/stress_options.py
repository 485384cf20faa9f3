"""What the options for rounds and checkers exclude, need and repeat on a command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pytest

from . import option_values as values
from .option_table import option_named

if TYPE_CHECKING:
    from .chosen_options import Options

_OF_ROUNDS: Final = ("stress_seed", "stress_threads", "stress_stop")
"""The options that have an effect on tests with rounds only."""


def stress_hindrance(config: pytest.Config) -> str | None:
    """Return the option of pytest's beside which a test runs once at most; None if there is none."""
    flags = {
        "usepdb": "--pdb",
        "trace": "--trace",
        "collectonly": "--collect-only",
        "setuponly": "--setup-only",
        "setupplan": "--setup-plan",
    }
    return next((flag for name, flag in flags.items() if config.getoption(name, False)), None)


def check_stress(config: pytest.Config) -> None:
    """Raise UsageError for a command line on which the option stands beside one that it excludes.

    An ini key and a marker yield to such an option: the test runs once.
    """
    hindrance = stress_hindrance(config)
    for name in ("stress", *_OF_ROUNDS):
        flag = option_named(name).flag
        if config.getoption(flag) is not None and hindrance is not None:
            raise pytest.UsageError(f"{flag}: expected no {hindrance} beside it, which runs a test once or not at all")


def check_rounds(config: pytest.Config, options: Options, amounts: Iterable[object]) -> None:
    """Raise UsageError if the command line has one of `_OF_ROUNDS`, and no test of the run has rounds.

    `amounts` are the markers' amounts of rounds. An ini key and a marker hold for runs that have rounds.
    """
    if options.stress is not None or any(amounts):
        return
    for flag in (option_named(name).flag for name in _OF_ROUNDS):
        if config.getoption(flag) is not None:
            stress = option_named("stress").flag
            raise pytest.UsageError(
                f"{flag}: expected a test that runs in rounds, got none: add {stress}=100, for example"
            )


def checks_on_command_line(config: pytest.Config) -> tuple[str, ...]:
    """Return the argument that asks for checkers; () if none is on the command line."""
    flag = option_named("check").flag
    given = config.getoption(flag, None)
    return () if given is None else (f"{flag}={','.join(values.check_names(given))}",)
