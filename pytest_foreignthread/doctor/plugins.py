"""The plugins of pytest that meet foreign-thread tests, and what is to be said of those that are loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest

from ..config.chosen_options import Options
from ..config.options import is_given
from ..report.kept.environment import plugins
from .findings import Finding

SECTION: Final = "plugins"
Remark = Callable[[pytest.Config, Options], tuple[str, str]]
"""Takes the configuration and our options; gives words on how a plugin is used, and what to do, each may be empty."""


def _workers(config: pytest.Config, _: Options) -> tuple[str, str]:
    number = config.getoption("numprocesses", None)
    return (f"{number} workers, each with children of its own" if number else "", "")


def _forked(_: pytest.Config, options: Options) -> tuple[str, str]:
    return ("its tests run in supervised children" if options.forked else "its tests are left to it"), ""


def _timeout(config: pytest.Config, _: Options) -> tuple[str, str]:
    limit = _number(config.getoption("timeout", None) or _ini(config, "timeout"))
    if limit <= 0 or is_given(config, "timeout"):
        return "", ""
    return f"its limit of {limit:g} s is that of foreign-thread tests, too", ""


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


def _nothing(_config: pytest.Config, _options: Options) -> tuple[str, str]:
    return "", ""


REMARKS: Final[Mapping[str, Remark]] = {
    "pytest-xdist": _workers,
    "pytest-forked": _forked,
    "pytest-timeout": _timeout,
    **dict.fromkeys(["pytest-rerunfailures", "pytest-cov", "pytest-randomly", "pytest-asyncio", "anyio"], _nothing),
    **dict.fromkeys(["hypothesis", "pytest-html", "pytest-json-report", "pytest-sugar", "syrupy"], _nothing),
    "pytest-django": _nothing,
}


def examine(config: pytest.Config, options: Options) -> Iterator[Finding]:
    """Tell of those that are loaded, in the order of the table."""
    loaded = plugins(config)
    for name, remark in REMARKS.items():
        if name in loaded:
            words, advice = remark(config, options)
            value = "; ".join(filter(None, [loaded[name], words]))
            yield Finding(SECTION, name, "note" if advice else "ok", value, advice)
    if not loaded.keys() & REMARKS.keys():
        yield Finding(SECTION, "plugins", "ok", "none that matters is loaded")
