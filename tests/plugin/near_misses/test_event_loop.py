"""A callback waits for the event loop, which runs; or the loop is blocked by another thing."""

from __future__ import annotations

import asyncio
import queue
import time
from typing import Any

import pytest


@pytest.mark.foreign_thread(timeout=2)
def test_the_coroutine_sleeps(foreign_thread: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def call() -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(100), loop).result()

        await loop.run_in_executor(None, foreign_thread.submit(call).result)

    asyncio.run(main())


@pytest.mark.foreign_thread(timeout=2)
def test_the_loop_is_blocked_by_a_sleep(foreign_thread: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        foreign_thread.submit(lambda: asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result())
        time.sleep(100)

    asyncio.run(main())


@pytest.mark.foreign_thread
def test_the_loop_goes_on(foreign_thread: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def call() -> None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()

        await loop.run_in_executor(None, foreign_thread.submit(call).result)

    asyncio.run(main())


@pytest.mark.foreign_thread(timeout=2)
def test_another_thread_may_complete_the_result(foreign_thread: Any) -> None:
    """Blocked is the loop all the same, but the result does not need it."""

    async def main() -> None:
        foreign_thread.submit(time.sleep, 100).result()

    asyncio.run(main())


@pytest.mark.foreign_thread(timeout=2)
def test_a_timer_of_javas_would_complete_the_result(jvm: Any) -> None:
    """No thread runs Java code now."""
    result, seconds = (
        jvm.JClass("java.util.concurrent.CompletableFuture")(),
        jvm.JClass("java.util.concurrent.TimeUnit").SECONDS,
    )

    async def main() -> None:
        result.completeOnTimeout(42, 100, seconds).get()

    asyncio.run(main())


@pytest.mark.foreign_thread(timeout=2)
def test_a_coroutine_waits_for_an_item() -> None:
    async def main() -> None:
        queue.SimpleQueue[int]().get()

    asyncio.run(main())
