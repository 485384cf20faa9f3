"""JPype's own files, classes and hooks; jpype is not imported for that."""

from __future__ import annotations

import gc
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from .running_jvm import is_jpypes

_EXTENSION: Final = "_jpype"
"""JPype's part in C, whose functions name it as their module."""
_JAR: Final = "org.jpype.jar"
_PROXY_EXCEPTION: Final = "org.jpype.PyExceptionProxy"
"""What Java sees of a Python exception that a callback raised. JPype unwraps it only when Java throws it."""


def extension_file() -> Path | None:
    """Return the file of JPype's part in C; None where JPype is not installed."""
    spec = find_spec(_EXTENSION)
    return None if spec is None or spec.origin is None else Path(spec.origin)


def own_jar() -> Path | None:
    """Return the jar with JPype's Java classes; None where it is not beside the package.

    `startJVM` looks for it there by itself, and has no function that tells.
    """
    spec = find_spec("jpype")
    jar = None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent / _JAR
    return jar if jar is not None and jar.is_file() else None


def is_python_exception(throwable: Any) -> bool:
    """Return whether a Java exception stands for a Python exception."""
    return str(throwable.getClass().getName()) == _PROXY_EXCEPTION


def forget_jvm_of_parent() -> None:
    """Call in a fork: JPype's hooks in Python's garbage collector may ask Java to collect its garbage as well.

    Of a JVM that ran in the process that was forked there is nothing here that could: they would wait without end.
    JPype has no function that takes them away.
    """
    if is_jpypes():
        gc.callbacks[:] = [one for one in gc.callbacks if getattr(one, "__module__", None) != _EXTENSION]
