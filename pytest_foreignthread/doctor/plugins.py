"""The loaded plugins of pytest that work differently for foreign-thread tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest

from ..config.chosen_options import Options
from ..config.options import is_given
from ..report.kept.environment import plugins
from .findings import Finding

SECTION: Final = "plugins"
Remark = Callable[[pytest.Config, Options], str]
"""Returns a remark on how a plugin is used, by the configuration and this plugin's options; empty if there is none."""


def _workers(config: pytest.Config, _: Options) -> str:
    number = config.getoption("numprocesses", None)
    return f"{number} workers, each with children of its own" if number else ""


def _forked(_: pytest.Config, options: Options) -> str:
    return "its tests run in supervised children" if options.forked else "its tests are left to it"


def _timeout(config: pytest.Config, _: Options) -> str:
    limit = _number(config.getoption("timeout", None) or _ini(config, "timeout"))
    if limit <= 0 or is_given(config, "timeout"):
        return ""
    return f"its limit of {limit:g} s is that of foreign-thread tests, too"


def _ini(config: pytest.Config, name: str) -> object:
    try:
        return config.getini(name)
    except (KeyError, ValueError):
        return None


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0


REMARKS: Final[Mapping[str, Remark]] = {"pytest-xdist": _workers, "pytest-forked": _forked, "pytest-timeout": _timeout}


def examine(config: pytest.Config, options: Options) -> Iterator[Finding]:
    """Yield a finding for each loaded plugin with a remark, in the order of `REMARKS`."""
    loaded = plugins(config)
    words = {name: remark(config, options) for name, remark in REMARKS.items() if name in loaded}
    for name, text in words.items():
        if text:
            yield Finding(SECTION, name, "ok", f"{loaded[name]}; {text}")
    if not any(words.values()):
        yield Finding(SECTION, "plugins", "ok", "none that is loaded changes how foreign-thread tests run")
