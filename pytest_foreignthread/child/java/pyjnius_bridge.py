"""A bridge of PyJNIus: its `PythonJavaClass` in place of JPype's proxy."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from . import jvm

_KEY: Final = "pytest_foreignthread.runnable."


def pyjnius_bridge(kept: list[object]) -> Callable[[Callable[[], None]], Any]:
    """Return what makes a Runnable of a function by PyJNIus. Java may call one late: `kept` lives as long as the child.

    Both bridges know the table of System's properties; it takes a Runnable from one to the other.
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
        # Java has no reference to it, but an address.
        kept.append(task)
        theirs.put(key, task)
        return ours.remove(key)

    return bridge
