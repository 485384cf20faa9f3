"""The stack and the blocked signals of the thread that a mode makes."""

from __future__ import annotations

import re
from typing import Final

import pytest

from .conftest import WITH_NATIVE_STACKS, RunSuite

CONFTEST: Final = """
    import ctypes, signal

    def stack_size():
        libc, attributes, size = ctypes.CDLL(None), (ctypes.c_char * 64)(), ctypes.c_size_t()
        libc.pthread_self.restype = ctypes.c_void_p
        assert libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes) == 0
        start = ctypes.c_void_p()
        libc.pthread_attr_getstack(attributes, ctypes.byref(start), ctypes.byref(size))
        return size.value

    def blocked():
        return signal.pthread_sigmask(signal.SIG_BLOCK, [])
"""
STACKS: Final = """
    import pytest
    from conftest import stack_size

    @pytest.mark.foreign_thread(mode=["native", "native-pool"], stack="512k")
    def test_marker(): assert 512 * 1024 <= stack_size() < 1024 * 1024

    @pytest.mark.foreign_thread(mode=["native", "native-pool"], stack=4 << 20)
    def test_number(): assert 4 << 20 <= stack_size() < 5 << 20

    @pytest.mark.foreign_thread(mode=["native", "native-pool"], stack="64k")
    def test_least(): assert 64 * 1024 <= stack_size() < 512 * 1024

    @pytest.mark.foreign_thread(mode=["native", "native-pool", "new"])
    def test_option(): assert 3 << 20 <= stack_size() < 4 << 20

    @pytest.mark.foreign_thread(mode="new", stack="6m")
    def test_java(): assert 6 << 20 <= stack_size() < 7 << 20
"""


def test_the_size_of_a_stack(run_suite: RunSuite) -> None:
    ini = "[pytest]\nforeign_thread_stack = 3m"
    ran = run_suite({"conftest.py": CONFTEST, "pytest.ini": ini, "test_it.py": STACKS})
    assert ran.closing_line == "10 passed", ran.output


DEEP: Final = """
    import ctypes, sys
    import pytest

    class Ballast(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_char * 4096)]

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, Ballast)
    def down(levels, ballast): return levels and down(levels - 1, ballast)

    @pytest.mark.foreign_thread(mode=["main", "native", "native-pool"])
    def test_it():
        sys.setrecursionlimit(100_000)
        down(100, Ballast())
"""


def test_what_a_small_stack_does_not_hold(run_suite: RunSuite) -> None:
    ran = run_suite(DEEP, WITH_NATIVE_STACKS, "--foreign-thread-stack=256k")
    assert ran.outcomes == {
        "test_it[main]": "passed",
        "test_it[native]": "segfault",
        "test_it[native-pool]": "segfault",
    }
    for mode in ("native", "native-pool"):
        assert ran.tests[f"test_it[{mode}]"]["diagnosis"]["code"] == "small-stack", ran.output


SIGNALS: Final = """
    import os, signal
    import pytest
    from conftest import blocked

    MODES = ["native", "native-pool", "python", "new"]
    FATAL = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}

    @pytest.mark.foreign_thread(mode=MODES, block_signals=True)
    def test_blocked(request):
        # HotSpot lets its own through.
        asked = {signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD, signal.SIGRTMIN + 3}
        assert asked <= blocked()
        assert not FATAL & blocked()

    @pytest.mark.foreign_thread(mode=MODES)
    def test_not_blocked(): assert signal.SIGALRM not in blocked()

    @pytest.mark.foreign_thread(mode="native", block_signals="yes")
    def test_the_maker_blocks_none(foreign_thread):
        def blocked_by_main():
            text = open(f"/proc/self/task/{os.getpid()}/status").read()
            return int(text.partition("SigBlk:")[2].split()[0], 16)
        # It may still be on its way back from where it made this thread.
        while blocked_by_main() >> (signal.SIGALRM - 1) & 1:
            pass
"""


def test_blocked_signals(run_suite: RunSuite) -> None:
    ran = run_suite({"conftest.py": CONFTEST, "test_it.py": SIGNALS})
    assert ran.closing_line == "9 passed", ran.output


def test_a_crash_on_a_thread_that_blocks_signals(run_suite: RunSuite) -> None:
    source = """
        import ctypes, pytest
        @pytest.mark.foreign_thread(mode=["native", "native-pool"])
        def test_it(): ctypes.string_at(8)
    """
    ran = run_suite(source, WITH_NATIVE_STACKS, "--foreign-thread-block-signals=true", "--foreign-thread-stack=256k")
    assert ran.outcomes == {"test_it[native]": "segfault", "test_it[native-pool]": "segfault"}
    fault = r"^SEGFAULT .*: SIGSEGV in \w*strlen\w*, address 0x8 \(null pointer, 8 bytes on\) on native thread "
    assert len(re.findall(fault, ran.output, re.MULTILINE)) == 2, ran.output


@pytest.mark.parametrize("size", ["12k", "much", "1.5m"])
def test_a_bad_size_is_one_error(run_suite: RunSuite, size: str) -> None:
    source = f"""
        import pytest
        @pytest.mark.foreign_thread(mode="native", stack={size!r})
        def test_it(): pass
    """
    wanted = "expected a size from 64k to 1g, such as 128k, 8m or 131072"
    ran = run_suite(source)
    assert f"foreign_thread(stack={size!r}): {wanted}" in ran.output + ran.errors
    ran = run_suite(source, f"--foreign-thread-stack={size}")
    assert f"--foreign-thread-stack: {wanted}" in ran.output + ran.errors
    assert "Traceback" not in ran.output + ran.errors
