import jpype
import pytest


@pytest.fixture
def on_java_thread():
    """Call a function on a Java thread and wait for that thread, as a program that uses JPype does."""

    def run(function):
        if not jpype.isJVMStarted():
            jpype.startJVM()
        thread = jpype.JClass("java.lang.Thread")(jpype.JProxy("java.lang.Runnable", dict={"run": function}))
        thread.start()
        thread.join()

    return run
