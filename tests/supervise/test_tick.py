"""What the supervising process does at the start of a test, and about once a second after that."""

from __future__ import annotations

import math
import os

from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import EndedBy, Exited
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.supervisor import supervise
from pytest_foreignthread.supervise.watch import TICK
from tests.supervise.real_children import hang


def test_a_child_that_ends_by_the_third_tick() -> None:
    read, write = os.pipe()

    def wait_for_three(sender: Sender) -> None:
        assert len(os.read(read, 1) + os.read(read, 1) + os.read(read, 1)) == 3

    observation = supervise(wait_for_three, limits=lambda phase: math.inf, tick=lambda: os.write(write, b"x"))
    os.close(read)
    os.close(write)
    assert observation.end == Exited(0)
    assert observation.duration >= 2 * TICK


def test_ticks_do_not_put_off_a_deadline() -> None:
    ticks: list[None] = []
    observation = supervise(
        lambda sender: hang(),
        limits=lambda phase: 1.5 * TICK if phase is Phase.FORK else math.inf,
        tick=lambda: ticks.append(None),
    )
    assert observation.ended_by is EndedBy.DEADLINE
    assert len(ticks) == 2
