"""The modes that a project adds with the hook `pytest_foreign_thread_modes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from ..model.choices import MODES
from ..model.modes import OwnMode

OWN_MODES = pytest.StashKey[Mapping[str, OwnMode]]()
HOOK: Final = "pytest_foreign_thread_modes"

_NAME: Final = re.compile(r"[A-Za-z0-9_]+")


def gather(config: pytest.Config) -> Mapping[str, OwnMode]:
    """Return the modes of all plugins and conftests; raise UsageError for a value that is no mode."""
    found: dict[str, OwnMode] = {}
    for given in config.hook.pytest_foreign_thread_modes(config=config):
        if not isinstance(given, Mapping):
            raise pytest.UsageError(f"{HOOK} gave {given!r}: expected a dict of names and launchers")
        for name, value in given.items():
            mode = value if isinstance(value, OwnMode) else OwnMode(value)
            if problem := next(_problems(name, mode, found), None):
                raise pytest.UsageError(f"{HOOK} gave {{{name!r}: {value!r}}}: {problem}")
            found[name] = mode
    return found


def known_modes(config: Any) -> tuple[str, ...]:
    """Return the names of all modes, this plugin's and the project's."""
    return (*MODES, *config.stash.get(OWN_MODES, {}))


def _problems(name: object, mode: OwnMode, found: Mapping[str, OwnMode]) -> Iterator[str]:
    # `nodeids.without_mode` splits a node id at the dashes and brackets around its mode.
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield "expected a name of letters, digits and _"
    if name in MODES:
        yield "a mode of that name is there already"
    if name in found:
        yield "another plugin or conftest gives that mode, too"
    launcher: object = mode.launcher
    if not callable(launcher):
        taken = "a java.lang.Runnable" if mode.needs_jvm else "a Python callable"
        yield f"expected a function that takes {taken}"
