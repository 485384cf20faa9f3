import asyncio

import pytest


@pytest.mark.foreign_thread(timeout=3)
def test_loop_waits_for_its_callback(jvm):
    pool = jvm.JClass("java.util.concurrent.Executors").newSingleThreadExecutor()

    async def answer():
        return 42

    async def main():
        loop = asyncio.get_running_loop()

        def call():
            return asyncio.run_coroutine_threadsafe(answer(), loop).result()

        callback = jvm.JProxy("java.util.concurrent.Callable", dict={"call": call})
        return pool.submit(callback).get()  # blocks the loop, which would have to run answer()

    asyncio.run(main())


@pytest.mark.foreign_thread(mode="native", timeout=3)
def test_coroutine_blocks_its_own_loop():
    async def answer():
        return 42

    async def main():
        future = asyncio.run_coroutine_threadsafe(answer(), asyncio.get_running_loop())
        return future.result()  # only this loop could run answer()

    asyncio.run(main())


@pytest.mark.foreign_thread(timeout=3)
def test_coroutine_waits_in_java(jvm):
    result = jvm.JClass("java.util.concurrent.CompletableFuture")()

    async def main():
        asyncio.get_running_loop().call_later(0.01, result.complete, 42)
        return result.get()  # only this loop could call complete()

    asyncio.run(main())
