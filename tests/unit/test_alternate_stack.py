"""The stack that signal handlers get: set for the block, restored after it, private to the process."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_foreignthread.child.alternate_stack import AlternateStacks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the layouts are Linux's")


class Stack(ctypes.Structure):
    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def now() -> tuple[int, int]:
    """Start and size of this thread's alternate stack, zeros where it has none."""
    stack = Stack()
    assert ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack)) == 0
    return stack.start or 0, stack.size


def on_a_new_thread(function: Callable[[], None]) -> None:
    """Run it where no one, faulthandler least of all, has set a stack; raise what it raises."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def test_set_in_the_block_and_gone_after_it() -> None:
    def check() -> None:
        assert now() == (0, 0)
        with AlternateStacks().for_this_thread():
            start, size = now()
            assert start
            assert size >= 256 * 1024
        assert now() == (0, 0)

    on_a_new_thread(check)


def test_an_inner_block_keeps_the_outer_ones() -> None:
    def check() -> None:
        stacks = AlternateStacks()
        with stacks.for_this_thread():
            outer = now()
            with stacks.for_this_thread():
                assert now() == outer
            assert now() == outer

    on_a_new_thread(check)


def test_memory_is_used_again() -> None:
    stacks, starts = AlternateStacks(), list[int]()

    def note() -> None:
        with stacks.for_this_thread():
            starts.append(now()[0])

    for _ in range(3):
        on_a_new_thread(note)
    assert len(set(starts)) == 1


def test_two_threads_at_once_have_their_own() -> None:
    stacks, meeting, starts = AlternateStacks(), threading.Barrier(2), list[int]()

    def note() -> None:
        with stacks.for_this_thread():
            meeting.wait()
            starts.append(now()[0])

    threads = [threading.Thread(target=note) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(starts)) == 2


def test_what_the_block_raises_has_no_frame_of_ours() -> None:
    with pytest.raises(ValueError, match="told") as raised, AlternateStacks().for_this_thread():
        raise ValueError("told")
    assert [Path(entry.path).name for entry in raised.traceback] == [Path(__file__).name]


def test_it_is_private_to_the_process() -> None:
    """HotSpot forks in its handler, which runs there: what the fork writes must not reach its parent."""

    def check() -> None:
        with AlternateStacks().for_this_thread():
            start = now()[0]
            lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
            ranges = (re.match(r"([0-9a-f]+)-([0-9a-f]+) ...(.)", line) for line in lines)
            kinds = [found[3] for found in ranges if found and int(found[1], 16) <= start < int(found[2], 16)]
            assert kinds == ["p"]

    on_a_new_thread(check)


SET_ON_STACK = """
import faulthandler, sys
from pytest_foreignthread.child.alternate_stack import AlternateStacks
faulthandler.enable()
AlternateStacks().offer_to_handlers()
"""


def test_handlers_run_on_it() -> None:
    """A thread without room for a handler's frame tells how it died all the same."""
    program = SET_ON_STACK + (
        "import ctypes, threading\n"
        "threading.stack_size(128 * 1024)\n"
        # glibc reads nested groups by recursion. Recursion of Python's own raises RecursionError since Python 3.14.
        "def down():\n"
        "    ctypes.CDLL(None).regcomp(ctypes.create_string_buffer(256), b'(' * 20000 + b')' * 20000, 1)\n"
        "def body():\n"
        "    with AlternateStacks().for_this_thread():\n"
        "        down()\n"
        "thread = threading.Thread(target=body)\n"
        "thread.start()\n"
        "thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -11
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert "in down" in done.stderr
