import functools

import pytest


@pytest.fixture
def foreign_thread_bridge(jvm):
    """The way in which this project hands a Python function to Java."""

    def bridge(function):
        return jvm.JProxy("java.lang.Runnable", dict={"run": functools.partial(function)})

    return bridge
