import signal
import subprocess

import pytest


@pytest.mark.foreign_thread(mode="native", block_signals=True, timeout=3)
def test_process_that_is_to_end():
    with subprocess.Popen(["sleep", "60"]) as process:
        process.terminate()


@pytest.mark.foreign_thread(mode="new", block_signals=True, timeout=3)
def test_process_of_a_java_thread():
    # HotSpot lets SIGTERM through.
    with subprocess.Popen(["sleep", "60"]) as process:
        process.send_signal(signal.SIGUSR1)
