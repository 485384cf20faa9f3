"""What a look at a process says that a test has left there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

import pytest

from pytest_foreignthread.child.process_looks import file_names, look, thread_names
from pytest_foreignthread.child.process_state import Allowed, Difference, ProcessLook

EMPTY: Final = ProcessLook({})


def state(kind: str, *found: object) -> ProcessLook:
    return ProcessLook({kind: frozenset(found)})


def reported(before: ProcessLook, after: ProcessLook, allowed: Allowed | None = None) -> list[Difference]:
    return list(after.differences(before, allowed or Allowed()))


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        (state("thread", 1, 2), state("thread", 1, 2), []),
        (state("thread", 1, 2), state("thread", 1, 2, 3), [("thread", 3)]),
        (state("thread", 1, 2), state("thread", 1), []),
        (state("file descriptor", 1), state("file descriptor", 2), [("file descriptor", 2)]),
        (state("child process"), state("child process", 77), [("child process", 77)]),
        (state("asyncio task"), state("asyncio task", 4), [("asyncio task", 4)]),
        (state("handler of the root logger", 5), state("handler of the root logger"), []),
        (state("environment", ("A", "1")), state("environment", ("A", "1"), ("B", "2")), [("environment", "B")]),
        (state("environment", ("A", "1")), state("environment"), [("environment", "A")]),
        (state("environment", ("A", "1")), state("environment", ("A", "2")), [("environment", "A")]),
        (state("logger", ("a", 10)), state("logger", ("a", 10), ("b", 0)), []),
        (state("logger", ("a", 10)), state("logger", ("a", 20)), [("logger", "a")]),
        (state("setting", ("umask", 18)), state("setting", ("umask", 0)), [("setting", "umask")]),
        (state("setting", ("umask", 18)), state("setting", ("umask", 18)), []),
        (EMPTY, state("thread", 1), [("thread", 1)]),
    ],
)
def test_what_differs(before: ProcessLook, after: ProcessLook, differs: list[tuple[str, object]]) -> None:
    assert reported(before, after) == differs


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ((1, 2), (1, 2), False),
        ((1, 2), (1, 2, 3), False),
        ((1, 2), (1,), True),
        ((1, 2), (1, 3), True),
        ((1, 2), (2, 1), True),
        ((1, 2), (2, 3, 4), True),
    ],
    ids=["same", "one more", "gone", "replaced", "loaded again", "gone, and others"],
)
def test_new_modules_alone_are_no_difference(before: tuple[int, ...], after: tuple[int, ...], differs: bool) -> None:
    found = reported(ProcessLook({}, before), ProcessLook({}, after))
    assert [kind for kind, _ in found] == ["sys.modules"] * differs


def test_what_a_wider_fixture_does_is_allowed_and_goes_with_it() -> None:
    start, standing = state("environment", ("A", "1")), state("environment", ("A", "2"), ("B", "1"))
    allowed = Allowed()
    allowed.add(start, standing)
    assert reported(start, standing, allowed) == reported(standing, start, allowed) == []
    assert reported(start, state("environment", ("A", "3")), allowed) == [("environment", "A")]
    assert reported(start, state("environment", ("A", "1"), ("C", "1")), allowed) == [("environment", "C")]


def kinds(found: list[Difference]) -> set[object]:
    return {one.what if one.kind == "setting" else one.kind for one in found}


def _thread() -> Callable[[], object]:
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, name="left behind")
    thread.start()

    def end() -> None:
        gate.set()
        thread.join()

    return end


def _descriptor() -> Callable[[], object]:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    return lambda: os.close(descriptor)


def _process() -> Callable[[], object]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    return lambda: process.communicate(b"\n")


def _task() -> Callable[[], object]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    task = loop.create_task(asyncio.sleep(0))

    def end() -> None:
        loop.run_until_complete(task)
        asyncio.set_event_loop(None)
        loop.close()

    return end


def _environment() -> Callable[[], object]:
    os.environ["LEFT_BEHIND"] = "1"
    return lambda: os.environ.pop("LEFT_BEHIND")


def _folder() -> Callable[[], object]:
    before = os.getcwd()
    os.chdir("/")
    return lambda: os.chdir(before)


def _handler() -> Callable[[], object]:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    return lambda: signal.signal(signal.SIGUSR1, before)


def _path() -> Callable[[], object]:
    sys.path.append("/left behind")
    return lambda: sys.path.remove("/left behind")


def _hook() -> Callable[[], object]:
    before = threading.excepthook
    threading.excepthook = print
    return lambda: setattr(threading, "excepthook", before)


def _umask() -> Callable[[], object]:
    before = os.umask(0o123)
    return lambda: os.umask(before)


def _timer() -> Callable[[], object]:
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000)
    return lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _recursion_limit() -> Callable[[], object]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 1)
    return lambda: sys.setrecursionlimit(before)


LEAVE: Final[dict[str, tuple[Callable[[], Callable[[], object]], str]]] = {
    "thread": (_thread, "thread"),
    "descriptor": (_descriptor, "file descriptor"),
    "process": (_process, "child process"),
    "task": (_task, "asyncio task"),
    "environment": (_environment, "environment"),
    "directory": (_folder, "working directory"),
    "signal handler": (_handler, "signal handlers"),
    "path": (_path, "sys.path"),
    "hook": (_hook, "hooks of sys and threading"),
    "umask": (_umask, "umask"),
    "timer": (_timer, "interval timers"),
    "recursion limit": (_recursion_limit, "recursion limit"),
}


@pytest.mark.parametrize(("leave", "kind"), LEAVE.values(), ids=LEAVE)
def test_a_look_finds_what_is_left_and_no_more_once_it_has_gone(
    leave: Callable[[], Callable[[], object]], kind: str
) -> None:
    before = look()
    clear_up = leave()
    try:
        found = reported(before, look())
    finally:
        clear_up()
    assert kind in kinds(found)
    # The kernel may have a thread for a moment longer than `join` waits for it.
    give_up = time.monotonic() + 60
    while kind in kinds(reported(before, look())):
        assert time.monotonic() < give_up


def test_names_of_what_is_left() -> None:
    before, clear_up = look(), _thread()
    try:
        new = [one.what for one in reported(before, look()) if one.kind == "thread"]
        assert "left behind" in thread_names(map(int, map(str, new))).values()
    finally:
        clear_up()
    with open(os.devnull) as file:
        assert file_names([file.fileno()]) == {file.fileno(): os.devnull}


def test_threads_and_files_that_have_gone_have_no_name() -> None:
    assert thread_names([2**30]) == file_names([2**20]) == {}


def test_a_look_costs_little() -> None:
    began = time.thread_time()
    for _ in range(20):
        look()
    assert (time.thread_time() - began) / 20 < 0.01
