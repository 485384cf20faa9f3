"""gevent and eventlet: suites that patch the standard library, in the modes that need no JVM."""

from __future__ import annotations

import re
from typing import Final

import pytest

from .conftest import RunWith

SUITE: Final = """
    import ctypes, queue, sys, threading, time
    import pytest

    def spawned(function):
        if "gevent" in sys.modules:
            import gevent
            return gevent.spawn(function).get()
        import eventlet
        return eventlet.spawn(function).wait()

    @pytest.fixture(scope="session")
    def shared():
        return spawned(lambda: 3)

    def test_greenlet_sleeps(shared):
        assert spawned(lambda: time.sleep(0.001) or shared) == 3

    def test_fails():
        assert spawned(lambda: 3) == 4

    def test_crashes():
        ctypes.string_at(0)

    def test_hangs():
        time.sleep(100)

    def test_last(shared):
        # A thread of `threading` is a greenlet if the suite patches threads.
        thread = threading.Thread(target=time.sleep, args=(0.001,))
        thread.start()
        thread.join()
        assert shared == 3
"""
GEVENT: Final = "from gevent import monkey\nmonkey.patch_all({})\n"
EVENTLET: Final = "import eventlet\neventlet.monkey_patch()\n"
MODES: Final = ("main", "native", "python", "native-pool")
FEW: Final = MODES[:2]
OUTCOMES: Final = {
    "test_greenlet_sleeps": "passed",
    "test_fails": "failed",
    "test_crashes": "segfault",
    "test_hangs": "hang",
    "test_last": "passed",
}
ARGS: Final = ("--foreign-thread-all", "--foreign-thread-jvm=none", "--foreign-thread-timeout=1", "-Wignore")


@pytest.mark.parametrize(
    ("conftest", "modes", "args"),
    [
        pytest.param(GEVENT.format(""), MODES, (), id="gevent"),
        pytest.param(GEVENT.format("thread=False"), FEW, (), id="without-threads"),
        pytest.param(GEVENT.format("thread=False, os=False"), FEW, (), id="without-threads-and-os"),
        pytest.param(EVENTLET, MODES, (), id="eventlet"),
        pytest.param(GEVENT.format(""), FEW, ("--foreign-thread-isolation=session",), id="gevent-session"),
        pytest.param(EVENTLET, FEW, ("--foreign-thread-isolation=session",), id="eventlet-session"),
        pytest.param(GEVENT.format(""), FEW, ("--foreign-thread-start=spawn",), id="gevent-spawn"),
        pytest.param(EVENTLET, FEW, ("--foreign-thread-start=spawn",), id="eventlet-spawn"),
    ],
)
# The others are further parts of these.
@pytest.mark.by_default("gevent", "without-threads-and-os", "eventlet-session")
def test_each_test_ends_as_in_a_suite_that_is_not_patched(
    run_with: RunWith, conftest: str, modes: tuple[str, ...], args: tuple[str, ...]
) -> None:
    files = {"conftest.py": conftest, "test_it.py": SUITE}
    run = run_with("", files, *ARGS, f"--foreign-thread-modes={','.join(modes)}", *args)
    assert run.outcomes == {f"{name}[{mode}]": one for name, one in OUTCOMES.items() for mode in modes}, run.output
    # The line of the test is in the stack of the thread that crashed.
    assert len(re.findall(r"^SEGFAULT \S+ - test_it.py:\d+: SIGSEGV in ", run.output, re.M)) == len(modes), run.output


def test_a_test_file_and_a_test_may_patch(run_with: RunWith) -> None:
    later = """
        def test_patches():
            from gevent import monkey
            monkey.patch_all()

        def test_next():
            import time
            time.sleep(0.001)
    """
    files = {"test_a.py": later, "test_b.py": EVENTLET + "\n\ndef test_file(): pass\n"}
    run = run_with("", files, *ARGS, "--foreign-thread-modes=main,native", "--foreign-thread-isolation=session")
    assert set(run.outcomes.values()) == {"passed"}, run.output


def test_the_hub_of_an_ordinary_fixture_serves_on(run_with: RunWith) -> None:
    suite = """
        import socket, subprocess
        import gevent, pytest
        from gevent.server import StreamServer

        @pytest.fixture(scope="session")
        def address():
            server = StreamServer(("127.0.0.1", 0), lambda one, _: one.sendall(b"served"))
            server.start()
            yield "127.0.0.1", server.server_port
            server.stop()

        def check(address):
            with socket.create_connection(address) as one:
                assert one.recv(9) == b"served"
            assert subprocess.run(["echo", "there"], capture_output=True).stdout == b"there\\n"

        def test_before(address):
            check(address)

        @pytest.mark.foreign_thread(mode="main")
        @pytest.mark.parametrize("number", range(2))
        def test_foreign(address, number):
            check(address)

        def test_after(address):
            check(address)
    """
    files = {"conftest.py": GEVENT.format(""), "test_it.py": suite}
    run = run_with("", files, "--foreign-thread-jvm=none", "--foreign-thread-timeout=5")
    assert run.closing_line == "4 passed", run.output


@pytest.mark.parametrize(
    "conftest", [pytest.param(GEVENT.format(""), id="gevent"), pytest.param(EVENTLET, id="eventlet")]
)
@pytest.mark.by_default("eventlet")
def test_futures_and_an_end_by_finalization(run_with: RunWith, conftest: str) -> None:
    suite = """
        import threading, time
        from concurrent.futures import Future
        import pytest

        @pytest.mark.foreign_thread(mode="native")
        @pytest.mark.parametrize("mode", ["main", "native", "python", "native-pool"])
        def test_future(foreign_thread, mode):
            future = foreign_thread.submit(lambda: time.sleep(0.001) or 3, mode=mode)
            assert isinstance(future, Future) and future.result(5) == 3

        @pytest.mark.foreign_thread(mode="native", finalize=True)
        def test_ends():
            threading.Thread(target=time.sleep, args=(0.001,)).start()
    """
    files = {"conftest.py": conftest, "test_it.py": suite}
    run = run_with("", files, "--foreign-thread-jvm=none", "--foreign-thread-timeout=5", "-Wignore")
    assert run.closing_line == "5 passed", run.output
