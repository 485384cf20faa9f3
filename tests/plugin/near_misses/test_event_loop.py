"""A callback waits for the event loop, which runs; or the loop is blocked by another thing."""

from __future__ import annotations

import asyncio
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
