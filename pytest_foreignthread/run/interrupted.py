"""A test that ^C interrupts: its child tears down the fixtures before the run ends, as pytest does."""

from __future__ import annotations

import functools

import pytest

from ..interop.pytest_terminal import note_interrupt
from ..model.fault_signals import signal_name
from ..model.observation import EndedBy, Exited, Lost, Observation, ReportMade, Signaled, WaitsForOrder
from ..report.pytest.recorded_warnings import own_warning, replay
from .child_handle import ForkedChild


def tear_down(config: pytest.Config, child: ForkedChild, item: pytest.Item) -> None:
    """Let the child tear down the fixtures of the test that it runs; warn of what fails there, which has no report."""
    observation = child.tear_down_interrupted(item, functools.partial(note_interrupt, config, item.nodeid))
    if observation is None:
        return
    raised = [one.exceptions[0] for one in observation.all(ReportMade) if one.exceptions]
    failures = [f"{name}: {text}" for name, text in raised]
    if not observation.waits_for_order and not observation.finished:
        failures.append(end_words(observation))
    replay(item, [own_warning(f"the teardown of {item.nodeid} after ^C failed: {words}") for words in failures])


def end_words(observation: Observation) -> str:
    """Return how a child ended that has not ended in order, for a warning."""
    if observation.ended_by is EndedBy.DEADLINE:
        return f"it took longer than {observation.phase_limit:g} s"
    match observation.end:
        case Signaled(number):
            return f"killed by {signal_name(number)}"
        case Exited(code):
            return f"exited with status {code}"
        case Lost(reason):
            return reason
        case WaitsForOrder():
            return "not ended"
