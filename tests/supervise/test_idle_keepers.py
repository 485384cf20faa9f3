"""A keeper that keeps several children, one after the other."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_foreignthread.channel.orders import Orders
from pytest_foreignthread.channel.wire import Sender
from pytest_foreignthread.model.observation import Exited, Observation, Signaled
from pytest_foreignthread.supervise.process import processes
from pytest_foreignthread.supervise.process.fork import ChildMain
from pytest_foreignthread.supervise.process.idle_keepers import IdleKeepers, Reuse
from pytest_foreignthread.supervise.process.keeper import Template
from pytest_foreignthread.supervise.process.scratch import ChildFolder, ScratchRoot
from pytest_foreignthread.supervise.supervisor import SupervisedChild
from tests.supervise.real_children import PATIENCE, await_end, await_line, detached, exists, hang, held, tell, told

ROOT = Path(__file__).parents[2]
Body = Callable[[Sender, str], None]
"""What a child of these tests runs, from its argument."""


class Run:
    """Children with one body, whose keepers may be used again."""

    def __init__(self, root: ScratchRoot, body: Body) -> None:
        self.root = root
        self.idle = IdleKeepers(root.retire_unused)
        self._body = body
        self.memory = "as at the first fork"
        self.prepared = 0

    def prepare(self) -> None:
        self.prepared += 1

    def make_main(self, argument: str) -> ChildMain:
        def child_main(sender: Sender, _: Orders) -> None:
            self._body(sender, argument)

        return child_main

    def child(self, argument: str = "", key: object = "key") -> tuple[SupervisedChild, ChildFolder]:
        folder = self.root.child_folder()
        reuse = Reuse(self.idle, key, Template(self.make_main, self.prepare), argument)
        main = self.make_main(argument)
        return SupervisedChild(main, None, self.root.ends, scratch=folder.run, reuse=reuse), folder

    def observed(self, argument: str = "", key: object = "key", *, in_order: bool = True) -> Observation:
        child, folder = self.child(argument, key)
        try:
            return child.observe(lambda _: PATIENCE)
        finally:
            child.close(lambda: self.root.discard(folder), in_order=in_order)

    def close(self) -> None:
        self.idle.close()
        self.root.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[Body], Run]]:
    before = held()
    runs: list[Run] = []

    def made(body: Body) -> Run:
        runs.append(Run(ScratchRoot(tmp_path), body))
        return runs[-1]

    yield made
    for one in runs:
        one.close()
    assert held() == before
    assert os.listdir(tmp_path) == []
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def tell_parents(sender: Sender, argument: str) -> None:
    tell(sender, f"keeper {argument}", os.getppid())
    tell(sender, "child", os.getpid())


def keeper_of(seen: Observation, argument: str = "") -> int:
    assert seen.end == Exited(0), seen
    return told(seen)[f"keeper {argument}"]


def test_children_have_one_keeper_each_its_argument_and_the_first_memory(run: Callable[[Body], Run]) -> None:
    def body(sender: Sender, argument: str) -> None:
        tell_parents(sender, argument)
        tell(sender, made.memory, made.prepared)

    made = run(body)
    first = made.observed("one")
    made.memory = "changed since"
    second = made.observed("two \udcff")
    assert keeper_of(first, "one") == keeper_of(second, "two \udcff")
    assert told(first)["child"] != told(second)["child"]
    # Prepared once, in the keeper.
    assert (told(second)["as at the first fork"], made.prepared) == (1, 0)


@pytest.mark.parametrize("change", ["key", "directory", "closed", "out of order"])
def test_a_keeper_is_not_used_again_if_anything_differs(run: Callable[[Body], Run], change: str) -> None:
    made = run(tell_parents)
    first = keeper_of(made.observed(in_order=change != "out of order"))
    if change == "directory":
        (child := made.root.child_folder()).run.folder.path.rename(child.run.folder.path.with_name("moved"))
        made.root.discard(child)
    if change == "closed":
        made.idle.close()
        assert not exists(first)
    assert keeper_of(made.observed(key="other" if change == "key" else "key")) != first


def test_what_a_child_leaves_is_gone_before_the_next_child_starts(run: Callable[[Body], Run]) -> None:
    def body(sender: Sender, argument: str) -> None:
        tell_parents(sender, argument)
        if argument:
            tell(sender, "daemon", detached(hang))

    made = run(body)
    first = made.observed("leave one")
    assert first.notes == ("1 process(es) outlived the child and were killed",)
    assert not exists(told(first)["daemon"])
    second = made.observed("")
    assert keeper_of(second) == keeper_of(first, "leave one")
    assert second.notes == ()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_keeper_that_was_killed_or_stopped_while_it_waited_loses_no_child(
    run: Callable[[Body], Run], number: signal.Signals
) -> None:
    made = run(tell_parents)
    first = keeper_of(made.observed())
    os.kill(first, number)
    os.waitid(os.P_PID, first, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
    second = keeper_of(made.observed())
    assert (second == first) == (number == signal.SIGSTOP)


def test_the_death_of_a_child_is_its_own(run: Callable[[Body], Run]) -> None:
    def body(sender: Sender, argument: str) -> None:
        tell_parents(sender, argument)
        if argument == "die":
            os.kill(os.getpid(), signal.SIGKILL)

    made = run(body)
    first = keeper_of(made.observed())
    assert made.observed("die").end == Signaled(signal.SIGKILL)
    assert keeper_of(made.observed("again"), "again") == first


def test_a_keeper_that_its_child_kills_ends_that_child_and_no_other(run: Callable[[Body], Run]) -> None:
    def body(sender: Sender, argument: str) -> None:
        tell_parents(sender, argument)
        if argument == "kill":
            os.kill(os.getppid(), signal.SIGKILL)
            hang()

    made = run(body)
    first = keeper_of(made.observed())
    assert not isinstance(made.observed("kill").end, Exited)
    assert keeper_of(made.observed()) != first


def test_orders_and_messages_of_one_child_do_not_reach_the_next(run: Callable[[Body], Run]) -> None:
    def body(sender: Sender, argument: str) -> None:
        tell_parents(sender, argument)
        # Half a message, as of a child that is killed while it writes.
        os.write(sender.fileno(), b'{"kind": "ThreadNamed", "name": "torn')

    made = run(body)
    for argument in ("one", "two"):
        seen = made.observed(argument)
        assert set(told(seen)) == {f"keeper {argument}", "child"}


def test_a_later_child_starts_with_what_the_first_one_has(run: Callable[[Body], Run]) -> None:
    """Descriptors, signal mask, actions of signals, the descriptor that signals wake."""

    def body(sender: Sender, argument: str) -> None:
        found: list[Any] = sorted(os.readlink(f"/proc/self/fd/{name}") for name in named())
        found = [name.partition(":")[0] for name in found]
        found += [sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())), signal.set_wakeup_fd(-1)]
        found += [repr(signal.getsignal(signal.SIGCHLD)), os.getpgrp() == os.getpid(), os.getsid(0) == os.getppid()]
        tell(sender, repr(found), 0)

    def named() -> Iterator[str]:
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                os.readlink(f"/proc/self/fd/{name}")
                yield name

    made = run(body)
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write)
    try:
        first, second, third = (told(made.observed(argument)) for argument in "123")
    finally:
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)
    assert first == second == third
    assert f", {write}, " in next(iter(first))


SUPERVISING = """
import os, pathlib, signal, sys
from tests.supervise.test_idle_keepers import Run, ScratchRoot, keeper_of, tell_parents
folder = pathlib.Path(sys.argv[1])
run = Run(ScratchRoot(folder / "scratch"), tell_parents)
(folder / "keeper").write_text(f"{keeper_of(run.observed())}\\n")
os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_a_keeper_that_waits_clears_up_when_the_supervising_process_is_killed(tmp_path: Path, stopped: bool) -> None:
    (tmp_path / "scratch").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        keeper = int(await_line(tmp_path / "keeper"))
        os.waitpid(process.pid, os.WUNTRACED)
        assert os.listdir(tmp_path / "scratch") != []
        if stopped:
            os.kill(keeper, signal.SIGSTOP)
        process.kill()
        # The end of the output: the keeper has it, too.
        assert process.communicate(timeout=PATIENCE)[0] == b""
    await_end(keeper)
    assert os.listdir(tmp_path / "scratch") == []


def test_waiting_keepers_are_few(run: Callable[[Body], Run]) -> None:
    made = run(tell_parents)
    keepers = [keeper_of(made.observed(key=key)) for key in range(6)]
    waiting = [keeper for keeper in keepers if (found := processes.stat(keeper)) is not None and found.alive]
    assert len(waiting) == 4
