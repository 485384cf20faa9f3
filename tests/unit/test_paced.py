"""How often the live line is drawn during the rounds of a stressed test."""

from __future__ import annotations

import pytest

from pytest_foreignthread.run.round_runner import paced


def test_rounds_of_a_millisecond_do_not_draw_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    now, drawn = 100.0, list[float]()
    monkeypatch.setattr("pytest_foreignthread.run.children.time.monotonic", lambda: now)
    tick = paced(lambda: drawn.append(now))
    for _ in range(1000):
        tick()
        now += 0.001
    assert drawn[0] == 100.0
    assert len(drawn) == 10
    now += 5
    tick()
    assert drawn[-1] == now
