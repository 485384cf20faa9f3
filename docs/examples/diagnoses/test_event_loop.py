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
