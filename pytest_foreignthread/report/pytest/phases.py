"""Makes reports of phases that did not run in the pytest process, by calling the hooks of all plugins there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from ...interop.gatherers import gathers, some_gather
from ...interop.hook_calls import hook_of
from ...interop.loops import loops_of
from ...interop.pytest_steps import is_pytests_own, is_runner

_PHASES: Final = ("setup", "call", "teardown")
_OUTCOMES: Final = ("passed", "failed", "skipped")
HOOK_FAILED: Final = "a hook that failed"
"""Name of the section of a report that describes the failure of a hook."""
_PLAYED = pytest.StashKey[list[str]]()


def begin(item: pytest.Item) -> None:
    """Reset the phases that count as played. Call this before each run of the item."""
    item.stash[_PLAYED] = []


def make_report(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """Return the report that all plugins' hooks make. If a hook fails, pytest's own hooks make it, with a section.

    A hook may raise because it needs what exists in the child only: pytest's documentation shows a hook that reads
    `item.funcargs`. A report whose outcome pytest does not know is replaced as well: no terminal and no exit status
    would show such a report.
    """
    try:
        _play(item, call.when)
        report: pytest.TestReport = _all_but_loops(item)(item=item, call=call)
        if (outcome := getattr(report, "outcome", None)) in _OUTCOMES:
            return report
        words = f"pytest_runtest_makereport: expected one of {', '.join(_OUTCOMES)} as outcome, got {outcome!r}"
    except Exception as error:  # a hook may do anything
        words = f"pytest_runtest_makereport raised {error!r}\nThis phase ran in a child: what it had is not here."
    report = make_own_report(item, call)
    report.sections.append((HOOK_FAILED, words))
    return report


def _all_but_loops(item: pytest.Item) -> Any:
    """Return the hook without the plugins that run a test in a loop: they expect a report of each step, not of one."""
    hook = item.ihook.pytest_runtest_makereport
    loops = loops_of(item.config)
    return hook_of(item.config, hook.name, lambda plugin: plugin not in loops) if loops else hook


def make_own_report(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
    """Return the report that pytest's own hooks make, without those of other plugins."""
    hook = hook_of(item.config, "pytest_runtest_makereport", is_pytests_own)
    report: pytest.TestReport = hook(item=item, call=call)
    return report


def _play(item: pytest.Item, when: str) -> None:
    """Call the hooks of the phase, as if it ran here, in the plugins whose reports need what these hooks gather.

    The phases before it are played first, as passed: such a plugin gathers from the setup on.
    """
    if not some_gather(item.config):
        return
    played = item.stash.setdefault(_PLAYED, [])
    for phase in _missing(played, when):
        played.append(phase)
        more = {"nextitem": None} if phase == "teardown" else {}
        hook_of(item.config, f"pytest_runtest_{phase}", gathers)(item=item, **more)
        if phase != when:
            passed = pytest.CallInfo.from_call(_nothing, when=phase)  # type: ignore[arg-type]
            hook_of(item.config, "pytest_runtest_makereport", _makes_or_gathers)(item=item, call=passed)


def _missing(played: list[str], when: str) -> Iterator[str]:
    before = () if played else _PHASES[: _PHASES.index(when)]
    return iter((*before, *(() if when in played else (when,))))


def _nothing() -> None: ...


def _makes_or_gathers(plugin: object) -> bool:
    return gathers(plugin) or is_runner(plugin)
