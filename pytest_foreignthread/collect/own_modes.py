"""The modes that a project adds by the hook `pytest_foreign_thread_modes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..model.choices import MODES

if TYPE_CHECKING:
    from ..model.settings import Launcher

OWN_MODES = pytest.StashKey["Mapping[str, Launcher]"]()
HOOK: Final = "pytest_foreign_thread_modes"

_NAME: Final = re.compile(r"[A-Za-z0-9_]+")


def gather(config: pytest.Config) -> Mapping[str, Launcher]:
    """Ask the project; raise UsageError for what is no mode."""
    found: dict[str, Launcher] = {}
    for given in config.hook.pytest_foreign_thread_modes(config=config):
        if not isinstance(given, Mapping):
            raise pytest.UsageError(f"{HOOK} gave {given!r}: want a dict of names and launchers")
        for name, launcher in given.items():
            if problem := next(_problems(name, launcher, found), None):
                raise pytest.UsageError(f"{HOOK} gave {{{name!r}: {launcher!r}}}: {problem}")
            found[name] = launcher
    return found


def known_modes(config: Any) -> tuple[str, ...]:
    """Return the names of all modes, this plugin's and the project's."""
    return (*MODES, *config.stash.get(OWN_MODES, {}))


def _problems(name: object, launcher: object, found: Mapping[str, Launcher]) -> Iterator[str]:
    # A node id is taken apart at the dashes and brackets around its mode.
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "want a name of letters, digits and _"
    if name in MODES:
        yield "a mode of that name is there already"
    if name in found:
        yield "another plugin or conftest gives that mode, too"
    if not callable(launcher):
        yield "want a function that takes a java.lang.Runnable"
