"""A child that serves one order after the other, watched piece by piece."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_foreignthread.channel.orders import End, Order, Orders, RunTest
from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import (
    EndedBy,
    Exited,
    Finished,
    Observation,
    PhaseStarted,
    Signaled,
    TestEnded,
    ThreadNamed,
    WaitsForOrder,
)
from pytest_foreignthread.model.outcomes import Phase
from pytest_foreignthread.supervise.process.fork import ChildMain, OpenEnds
from pytest_foreignthread.supervise.supervisor import SupervisedChild
from tests.supervise.real_children import PATIENCE, SHORT, Clock, await_end, await_line, hang, held, sent_pids

Act = Callable[[Sender, RunTest], None]


class Served:
    """A supervised child and what it is told."""

    def __init__(self, child_main: ChildMain, ends: OpenEnds | None = None) -> None:
        self.child = SupervisedChild(child_main, None, ends or OpenEnds())

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close()

    def start(self) -> None:
        self.child.start()

    def give(self, order: Order, **limits: float) -> Observation:
        return self.child.observe(lambda phase: limits.get(phase.value, PATIENCE), order=order)


def serving(act: Act) -> ChildMain:
    """Do what is ordered, item by item, as the plugin's child does."""

    def child_main(sender: Sender, orders: Orders) -> None:
        for order in orders:
            if not isinstance(order, RunTest):
                break
            sender.send(PhaseStarted(Phase.CALL))
            sender.send(ThreadNamed(int(order.item), os.getpid(), "MainThread"))
            act(sender, order)
            if order.last:
                break
            sender.send(TestEnded())
        sender.send(Finished())

    return child_main


def go_on(item: int) -> RunTest:
    return RunTest(item, last=False)


def nothing(sender: Sender, order: RunTest) -> None:
    pass


def items(seen: Observation) -> list[int]:
    return [message.ident for message in seen.all(ThreadNamed)]


def test_one_child_serves_all_and_ends_with_the_last() -> None:
    with Served(serving(nothing)) as served:
        seen = [served.give(go_on(number)) for number in range(3)]
        assert [one.end for one in seen] == [WaitsForOrder()] * 3
        last = served.give(RunTest(3))
    assert [items(one) for one in (*seen, last)] == [[0], [1], [2], [3]]
    assert len({sent_pids(one)["MainThread"] for one in (*seen, last)}) == 1
    assert (last.end, last.finished) == (Exited(0), True)


def test_it_ends_in_order_when_it_is_asked() -> None:
    with Served(serving(nothing)) as served:
        served.give(go_on(0))
        seen = served.give(End())
    assert (seen.end, seen.finished, items(seen)) == (Exited(0), True, [])


def test_one_that_is_started_ahead_waits() -> None:
    with Served(serving(nothing)) as served:
        served.start()
        assert items(served.give(RunTest(5))) == [5]


def test_a_death_belongs_to_the_test_that_runs() -> None:
    def act(_: Sender, order: RunTest) -> None:
        if order.item == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with Served(serving(act)) as served:
        first, second = served.give(go_on(0)), served.give(go_on(1))
        assert served.child.ended
    assert (first.end, second.end) == (WaitsForOrder(), Signaled(signal.SIGKILL))
    assert (items(second), second.phase) == ([1], Phase.CALL)


def test_a_death_between_two_tests_is_seen_by_the_second(tmp_path: Path) -> None:
    def act(sender: Sender, order: RunTest) -> None:
        if os.fork() == 0:
            (tmp_path / "pid").write_text(f"{os.getppid()}\n")
            os.read(release, 1)
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(0)

    release, go = os.pipe()
    try:
        with Served(serving(act)) as served:
            first = served.give(go_on(0))
            child = int(await_line(tmp_path / "pid"))
            os.write(go, b"x")
            await_end(child)
            second = served.give(go_on(1))
    finally:
        os.close(release)
        os.close(go)
    assert (first.end, second.end, second.phase, items(second)) == (
        WaitsForOrder(),
        Signaled(signal.SIGKILL),
        Phase.SETUP,
        [],
    )


def test_each_test_has_the_whole_of_its_time(clock: Clock) -> None:
    """As time passes two of them take longer than one may, and the third takes too long by itself."""
    passing = {0: 0.75 * PATIENCE, 1: 0.75 * PATIENCE, 2: 1.5 * PATIENCE}

    def act(_: Sender, order: RunTest) -> None:
        if order.item == 2:
            hang()

    def given(served: Served, item: int) -> Observation:
        entered: list[Phase] = []

        def limit(phase: Phase) -> float:
            # The first time for the sum of all limits, the second when the phase begins.
            if phase is Phase.CALL and phase in entered:
                clock.passed += passing[item]
            entered.append(phase)
            return PATIENCE

        return served.child.observe(limit, order=go_on(item))

    with Served(serving(act)) as served:
        seen = [given(served, item) for item in range(3)]
    assert [one.ended_by for one in seen] == [EndedBy.ITSELF, EndedBy.ITSELF, EndedBy.DEADLINE]
    assert seen[2].phase is Phase.CALL


def test_what_comes_after_a_test_is_of_the_next() -> None:
    def child_main(sender: Sender, orders: Orders) -> None:
        taken = iter(orders)
        next(taken)
        sender.send(TestEnded())
        sender.send(ThreadNamed(1, 1, "late"))
        next(taken)
        sender.send(TestEnded())
        next(taken)

    with Served(child_main) as served:
        assert [items(served.give(go_on(number))) for number in range(2)] == [[], [1]]


def test_a_word_of_the_end_that_comes_too_late_does_not_undo_the_hang() -> None:
    def child_main(sender: Sender, orders: Orders) -> None:
        next(iter(orders))
        signal.signal(signal.SIGALRM, lambda *_: sender.send(TestEnded()))
        sender.send(PhaseStarted(Phase.CALL))
        while True:
            signal.pause()

    def probe(pid: int) -> tuple[dict[str, str], dict[str, str]]:
        os.kill(pid, signal.SIGALRM)
        return {}, {}

    with Served(child_main) as served:
        limits = {Phase.CALL: SHORT}
        seen = served.child.observe(lambda phase: limits.get(phase, PATIENCE), probe=probe, order=go_on(0))
    assert (seen.ended_by, seen.end) == (EndedBy.DEADLINE, Signaled(signal.SIGKILL))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    before = held()
    yield
    assert held() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("orders", [0, 1])
def test_one_that_waits_is_ended_with_all_of_it(orders: int) -> None:
    with Served(serving(nothing)) as served:
        served.start()
        for number in range(orders):
            served.give(go_on(number))


@pytest.mark.usefixtures("nothing_left")
def test_one_that_was_never_started_has_nothing_to_end() -> None:
    with Served(serving(nothing)):
        pass


@pytest.mark.usefixtures("nothing_left")
def test_siblings_do_not_hold_each_others_pipes() -> None:
    ends = OpenEnds()
    with Served(serving(nothing), ends) as first, Served(serving(nothing), ends) as second:
        first.give(go_on(0))
        second.give(go_on(0))
        # The first sees the end of its orders only if the second has no copy of the pipe.
        assert first.give(End()).finished
        assert second.give(RunTest(1)).finished


@pytest.mark.usefixtures("nothing_left")
def test_an_order_to_a_child_that_has_gone_is_no_error() -> None:
    def child_main(sender: Sender, orders: Orders) -> None:
        os._exit(7)

    with Served(child_main) as served:
        served.start()
        kept, _ = served.child.start()
        while kept.pid is None:
            kept.read_status()
        await_end(kept.pid)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            assert served.give(go_on(0)).end == Exited(7)
        finally:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
