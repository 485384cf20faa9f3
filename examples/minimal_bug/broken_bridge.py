"""A bridge from Python to Java as libpython-clj's was in 2020, faults included.

A call enters Java with the GIL held and waits there; the thunk is only borrowed; and whatever Java throws becomes NULL
without an exception. It does take the GIL before it calls Python: that is not the fault.
"""

from __future__ import annotations

from typing import Any

from concurrent_java import TIMEOUT, Patience, awaited, submitted
from foreign import Handle, builtin_function, catching, ignoring, then
from minimal_bug import SafelyClj
from python_api import calling, holding_the_gil, new_reference, null


def function(executor: Any, patience: Patience | None = None, task: Handle = None) -> SafelyClj:
    """A built-in function that has `executor` run the thunk it is given, and waits for the result.

    `task`, from thunk to result, stands in for the call into Python when Java is to stay in Java.
    """
    callback = holding_the_gil(calling() if task is None else task)
    body = then(submitted(callback, executor), awaited(patience))
    otherwise = patience and patience.otherwise
    if patience:
        body = catching(body, TIMEOUT, ignoring(new_reference(otherwise), 0, TIMEOUT))
    body = catching(body, "java.lang.Throwable", ignoring(null(), 0, "java.lang.Throwable"))
    return builtin_function("unnamed_function", body, otherwise)
