"""Whether a run shows how far it is, live, in the terminal's bottom row."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

import pytest

from ..config.stash_keys import LIVE, STEP_ASIDE, TICK


def is_wanted(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> bool:
    """With `-s` the screen belongs to the tests, which may draw on it themselves; a log of CI keeps what is drawn."""
    asked = config.stash.get(LIVE, "off") == "auto" and config.get_verbosity() > -2
    runs = not config.getoption("collectonly", False) and config.getoption("capture", "fd") != "no"
    able = environment.get("TERM", "") not in ("", "dumb") and not (environment.get("CI") or os.name != "posix")
    return asked and runs and able and sys.stdout.isatty()


def register(config: pytest.Config, modes: Sequence[str], is_of_interest: Callable[[pytest.Item], bool]) -> None:
    if is_wanted(config):
        # Imported here: most runs have no such line.
        from .live_line import LiveLine

        live = LiveLine(config, modes, is_of_interest)
        config.stash[TICK] = live.draw
        config.stash[STEP_ASIDE] = live.pytest_enter_pdb
        config.pluginmanager.register(live, "foreign_thread_live_line")
