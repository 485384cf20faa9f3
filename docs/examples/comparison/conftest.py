import threading

import jpype
import pytest

STARTING = threading.Lock()


@pytest.fixture
def on_java_thread():
    """Call a function on a Java thread and wait for that thread, as a program that uses JPype does."""

    def run(function):
        with STARTING:
            if not jpype.isJVMStarted():
                jpype.startJVM()
        thread = jpype.JClass("java.lang.Thread")(jpype.JProxy("java.lang.Runnable", dict={"run": function}))
        thread.start()
        thread.join()

    return run
