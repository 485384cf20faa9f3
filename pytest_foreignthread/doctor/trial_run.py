"""The trials in forked children: the JVM, a callback in each mode, and looks at the child from outside."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..channel.expected_messages import MessagesOfTrial
from ..channel.orders import End
from ..child.pytest import trial as child
from ..model import documents
from ..model.observation import Observation, Tried
from ..model.outcomes import Phase
from ..model.settings import DUMP_SIGNAL, START_LIMIT, Settings
from ..supervise import document_files
from ..supervise.probes.probe import take_documents
from ..supervise.process.scratch import ScratchRoot
from ..supervise.process.signals import retry_interrupted
from ..supervise.supervisor import SupervisedChild
from .child_inspection import look_at
from .findings import Finding
from .trial_findings import broken_mode, not_tried, of_death, of_trials

START: Final = min(20.0, START_LIMIT)
"""Seconds that the JVM may take to start."""
CALLBACK: Final = 5.0
"""Seconds that the callbacks of a mode may take, if the run's own limit is not shorter."""
ALL: Final = 40.0
"""Seconds after which no further child is forked."""
_LOOKS: Final = 2.0
"""Seconds that the looks at a child which has passed its limit may take."""


@dataclass(frozen=True)
class Attempt:
    """The result of one child: what was seen of it, its documents, and the findings of looks at it from outside."""

    observation: Observation
    taken: documents.Documents
    looks: tuple[Finding, ...]


def try_all(
    settings: Settings, scratch: ScratchRoot, modes: Sequence[str], *, start: float = START, seconds: float = ALL
) -> list[Finding]:
    """Try each mode and return the findings.

    If the child dies in a mode, a new child tries the modes after it, as long as `seconds` have not passed. `start` is
    the limit of the JVM's start in seconds.
    """
    give_up = time.monotonic() + seconds
    findings: list[Finding] = []
    left = list(modes)
    while left and time.monotonic() < give_up:
        attempt = _attempt(settings, scratch, left, start)
        tried, again = attempt.observation.all(Tried), len(left) < len(modes)
        findings += of_trials(tried, settings, again=again)
        if attempt.observation.waits_for_order:
            return [*findings, *attempt.looks]
        broken = broken_mode(attempt.observation, tried, left)
        findings.append(of_death(attempt.observation, attempt.taken, settings, broken))
        if broken is None:
            break
        left = left[left.index(broken) + 1 :]
    return [*findings, not_tried(left)] if left else findings


def _attempt(settings: Settings, scratch: ScratchRoot, modes: Sequence[str], start: float) -> Attempt:
    folder = scratch.child_folder()
    program = functools.partial(child.run, tuple(modes), settings, folder.path)
    supervised = SupervisedChild(program, None, scratch.ends, scratch=folder.run)
    probe = functools.partial(
        take_documents, traceback_file=folder.here / documents.PYTHON_HANG, dump_signal=DUMP_SIGNAL, budget=_LOOKS
    )
    limits, expected = functools.partial(_limit, settings, start), MessagesOfTrial()
    try:
        seen = supervised.observe(limits, probe=probe, expected=expected)
        looks = _looks_at(supervised, settings) if seen.waits_for_order else ()
        found, _ = document_files.read(folder.here)
        taken = {**found, **seen.documents}
        if seen.waits_for_order:
            # Let the child end by itself, as a test's child does.
            supervised.observe(limits, order=End(), expected=expected)
        return Attempt(seen, taken, looks)
    finally:
        retry_interrupted(functools.partial(supervised.close, functools.partial(scratch.discard, folder)))


def _looks_at(supervised: SupervisedChild, settings: Settings) -> tuple[Finding, ...]:
    kept, _ = supervised.start()
    return tuple(look_at(kept.pid, settings.native)) if kept.pid is not None else ()


def _limit(settings: Settings, start: float, phase: Phase) -> float:
    return start if phase in (Phase.FORK, Phase.JVM) else min(CALLBACK, settings.limit(phase))
