"""pytest-asyncio and anyio: the test's coroutine runs on the foreign thread, on the loop that its fixtures ran on."""

from __future__ import annotations

import pytest

from .conftest import RunWith

QUICK = "--foreign-thread-native=off"
MODES = ["main", "same", "new", "pool"]
WHERE = f"""
    import threading
    import pytest

    def check_thread(request):
        on_main = threading.current_thread() is threading.main_thread()
        assert on_main == any(f"{{mode}}]" in request.node.name for mode in ("main", "same"))

    foreign = pytest.mark.foreign_thread(mode={MODES!r})
"""
ASYNCIO = """
    import asyncio, contextvars
    import pytest, pytest_asyncio
    from where import check_thread, foreign

    {mark}
    @foreign
    async def test_plain(request):
        check_thread(request)
        await asyncio.sleep(0)
        assert await asyncio.to_thread(lambda: 3) == 3

    @pytest_asyncio.fixture
    async def queue():
        queue = asyncio.Queue()
        yield queue
        assert await queue.get() == "left"

    {mark}
    @foreign
    async def test_fixture(request, queue):
        check_thread(request)
        await queue.put("left")

    @pytest_asyncio.fixture(loop_scope="module", scope="module")
    async def loop():
        yield asyncio.get_running_loop()

    @pytest.mark.asyncio(loop_scope="module")
    @foreign
    async def test_wide_loop(request, loop):
        check_thread(request)
        assert asyncio.get_running_loop() is loop

    {mark}
    @foreign
    async def test_fails():
        await asyncio.sleep(0)
        assert [1, 2] == [1, 3]
"""


@pytest.mark.parametrize("isolation", ["test", "session"])
@pytest.mark.parametrize("mode", ["strict", "auto"])
# pytest-asyncio finds the tests by mark or all; each runs in the same way.
@pytest.mark.by_default("strict-session")
def test_pytest_asyncio(run_with: RunWith, mode: str, isolation: str) -> None:
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    files = {"where.py": WHERE, "test_it.py": ASYNCIO.format(mark=mark)}
    run = run_with("asyncio", files, QUICK, f"--asyncio-mode={mode}", f"--foreign-thread-isolation={isolation}")
    assert run.closing_line == "4 failed, 12 passed", run.output
    assert {name for name, outcome in run.outcomes.items() if outcome == "failed"} == {
        f"test_fails[{mode}]" for mode in MODES
    }
    assert run.output.count("At index 1 diff: 2 != 3") == 4


def test_what_asyncio_does_only_on_the_main_thread_is_reported_clearly(run_with: RunWith) -> None:
    source = """
        import asyncio, signal
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.foreign_thread
        async def test_handler():
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)
    """
    run = run_with("asyncio", source, QUICK)
    assert run.tests["test_handler"]["diagnosis"]["code"] == "main-thread-only", run.output


def test_an_async_test_that_hangs(run_with: RunWith) -> None:
    source = """
        import asyncio
        import pytest

        @pytest.mark.asyncio
        @pytest.mark.foreign_thread(timeout=1)
        async def test_hangs():
            await asyncio.Event().wait()
    """
    run = run_with("asyncio", source, QUICK)
    assert run.outcomes == {"test_hangs": "hang"}, run.output
    assert "test_hangs" in run.output


ANYIO = """
    import anyio
    import pytest
    from where import check_thread, foreign

    pytestmark = [foreign, pytest.mark.anyio]

    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param

    async def test_plain(request, anyio_backend_name):
        check_thread(request)
        await anyio.sleep(0)
        assert await anyio.to_thread.run_sync(lambda: 3) == 3
        assert anyio_backend_name in request.node.name

    @pytest.fixture
    async def streams():
        send, receive = anyio.create_memory_object_stream(1)
        async with send, receive:
            yield send, receive

    async def test_fixture(request, streams):
        check_thread(request)
        await streams[0].send(1)
        assert await streams[1].receive() == 1

    async def test_fails():
        await anyio.sleep(0)
        assert [1, 2] == [1, 3]
"""


@pytest.mark.parametrize("isolation", ["test", "session"])
# A loop that outlives its test is the hard case.
@pytest.mark.by_default("session")
def test_anyio(run_with: RunWith, isolation: str) -> None:
    run = run_with("anyio", {"where.py": WHERE, "test_it.py": ANYIO}, QUICK, f"--foreign-thread-isolation={isolation}")
    assert run.closing_line == "8 failed, 16 passed", run.output
    assert run.output.count("At index 1 diff: 2 != 3") == 8
