"""What is changed in pytest's terminal reporter is changed back."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_foreignthread.interop.pytest_terminal import timed_besides


def test_only_its_own_phases_leave_the_durations() -> None:
    before, own, of_another = object(), object(), object()
    terminal = SimpleNamespace(stats={"": [before]})
    with timed_besides(terminal, [own]):
        terminal.stats[""].append(of_another)
        assert terminal.stats[""] == [before, own, of_another]
    assert terminal.stats[""] == [before, of_another]
