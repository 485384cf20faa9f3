"""Watch one child: take its messages, hold it to its deadlines, end it, and say what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ..observation import EndedBy, Lost, Observation
from ..outcomes import Phase
from .attach import remove_jvm_files
from .cgroup import oom_kills
from .fork import ChildMain, OpenEnds
from .held import CrashWatch, crash_gate
from .kept import KeptChild, launch
from .signals import SignalsHeld, surely
from .watch import Probe, Watch


def supervise(
    child_main: ChildMain,
    *,
    limits: Callable[[Phase], float],
    probe: Probe | None = None,
    crash: CrashWatch | None = None,
    ends: OpenEnds | None = None,
) -> Observation:
    """Run `child_main` in a forked child until it ends or a phase passes its limit.

    `limits` gives a phase's limit in seconds (`math.inf` for none); FORK counts from the start, the others from their
    `PhaseStarted`; all together have the sum of the limits. `probe` is called with the pid of a child that passed its
    deadline, while it lives; it has to bound itself. `crash` has a look at a child that says that it is dying; the
    phase's time stands still meanwhile. `ends` is shared by all supervisions of a process that may be under way at
    once. When this returns or raises, no process, descriptor or thread of it is left. A child that cannot be forked is
    a `Lost` end, not an exception.
    """
    began, kills, ends = time.monotonic(), oom_kills(), ends or OpenEnds()
    with SignalsHeld() as held, crash_gate(crash, ends) as gate:
        try:
            kept = launch(child_main, ends, held)
        except OSError as error:
            return _not_started(f"no child could be forked: {error}", limits(Phase.FORK))
        try:
            watch = Watch(kept, limits, began, held, gate)
            if not watch.until_end():
                watch.at_deadline(probe)
            kept.terminate()
            watch.drain()
            return replace(watch.observation(), oom_kills=max(0, oom_kills() - kills))
        finally:
            surely(lambda: _end(kept))


def _not_started(reason: str, limit: float) -> Observation:
    return Observation((), Lost(reason), EndedBy.ITSELF, Phase.FORK, 0.0, 0.0, limit)


def _end(kept: KeptChild) -> None:
    kept.terminate()
    kept.close()
    if kept.pid is not None:
        remove_jvm_files(kept.pid)
