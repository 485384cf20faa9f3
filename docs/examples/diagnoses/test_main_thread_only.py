import asyncio
import signal

import pytest


@pytest.mark.foreign_thread
def test_signal():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@pytest.mark.foreign_thread
def test_wakeup_fd():
    signal.set_wakeup_fd(-1)


@pytest.mark.foreign_thread
def test_event_loop():
    asyncio.get_event_loop()


@pytest.mark.foreign_thread
def test_signal_handler_of_a_loop():
    async def serve():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, print)

    asyncio.run(serve())
