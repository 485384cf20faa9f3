"""JPype's own files, classes and hooks, found without importing jpype."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from .running_jvm import is_jpypes

_EXTENSION: Final = "_jpype"
"""JPype's C extension; its functions have this module name."""
_JAR: Final = "org.jpype.jar"
_PROXY_EXCEPTION: Final = "org.jpype.PyExceptionProxy"
"""The Java class of a Python exception that a callback raised. JPype unwraps it only if Java throws it."""


def extension_file() -> Path | None:
    """Return the file of JPype's C extension; None if JPype is not installed."""
    spec = find_spec(_EXTENSION)
    return None if spec is None or spec.origin is None else Path(spec.origin)


def own_jar() -> Path | None:
    """Return the jar with JPype's Java classes; None if it is not beside the package.

    `startJVM` looks for the jar in that place, and JPype has no function that returns the path.
    """
    spec = find_spec("jpype")
    jar = None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent / _JAR
    return jar if jar is not None and jar.is_file() else None


def own_start() -> Callable[..., None]:
    """Return JPype's own `startJVM`; jpype must be imported.

    `jpype.startJVM` may be a wrapper that protects the faulthandler of the pytest process, or a project's function.
    Both replace the attribute of the package, and not that of the module which defines the function.
    """
    start: Callable[..., None] = sys.modules["jpype._core"].startJVM
    return start


def is_python_exception(throwable: Any) -> bool:
    """Return whether a Java exception stands for a Python exception."""
    return str(throwable.getClass().getName()) == _PROXY_EXCEPTION


def forget_jvm_of_parent() -> None:
    """Remove JPype's hooks in Python's garbage collector; call in a fork.

    The hooks may ask Java to collect its garbage as well. In a fork, the threads of the parent's JVM do not exist, so
    the hooks would wait forever. JPype has no function that removes them.
    """
    if is_jpypes():
        gc.callbacks[:] = [one for one in gc.callbacks if getattr(one, "__module__", None) != _EXTENSION]
