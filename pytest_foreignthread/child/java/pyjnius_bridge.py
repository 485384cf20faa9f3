"""A bridge of PyJNIus: its `PythonJavaClass` replaces JPype's proxy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from . import jvm

_KEY: Final = "pytest_foreignthread.runnable."


def pyjnius_bridge(kept: list[object]) -> Callable[[Callable[[], None]], Any]:
    """Return a bridge that makes a Runnable of a function by PyJNIus.

    Java may call a Runnable late, so `kept`, to which each is added, must live as long as the child. The system
    properties of Java, which both libraries reach, pass the Runnable from PyJNIus to JPype.
    """
    import jnius

    class Task(jnius.PythonJavaClass):  # type: ignore[misc]  # PyJNIus has no types
        __javainterfaces__ = ("java/lang/Runnable",)

        def __init__(self, function: Callable[[], None]) -> None:
            super().__init__()
            self.function = function

        @jnius.java_method("()V")  # type: ignore[untyped-decorator]
        def run(self) -> None:
            self.function()

    theirs = jnius.autoclass("java.lang.System").getProperties()
    ours = jvm.java("java.lang.System").getProperties()
    numbers = itertools.count()

    def bridge(function: Callable[[], None]) -> Any:
        task, key = Task(function), f"{_KEY}{next(numbers)}"
        # Java holds the address of the Python object, and no reference that would keep it alive.
        kept.append(task)
        theirs.put(key, task)
        return ours.remove(key)

    return bridge
