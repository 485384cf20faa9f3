"""Handlers that Python calls at the end of a process, and which of them a forked child must not run.

A forked child inherits the handlers of the pytest process. The handlers of pytest, its plugins and the standard library
remove that process's temporary directories, end its children and write its files. The handlers of the project's
modules, and of libraries that these import, belong to what is tested: a library may join its threads there.
"""

from __future__ import annotations

import atexit
import functools
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

_OF_PYTEST: Final = ("_pytest", "pytest", "pluggy", "execnet", "xdist", "coverage", "pytest_foreignthread")
_RUNS_FINALIZERS: Final = ("finalize", "_exitfunc")
"""The class and method with which `weakref` runs its finalizers; each finalizer is judged by itself."""


def leave_inherited_at_exit(config: pytest.Config) -> None:
    """Remove the `atexit` handlers and `weakref` finalizers that belong to the pytest process."""
    owners = frozenset([*_OF_PYTEST, *_modules_of_plugins(config)])
    atexit.unregister(_Handlers(lambda function: not _runs_finalizers(function) and _is_of(owners, function)))
    # `weakref` has no public list of its finalizers.
    for finalizer in tuple(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive is not None and _is_of(owners, alive[1]):
            finalizer.atexit = False


class _Handlers:
    """Equal to each function that fits.

    `atexit` cannot list its handlers, but `atexit.unregister` removes every handler that is equal to its argument.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, fits: Callable[[Any], bool]) -> None:
        self._fits = fits

    def __eq__(self, other: object) -> bool:
        return self._fits(other)

    def __call__(self) -> None:
        """Do nothing; `atexit.unregister` requires a callable."""


def _runs_finalizers(function: Any) -> bool:
    name, method = _RUNS_FINALIZERS
    return _module_of(function) == "weakref" and getattr(function, "__qualname__", "") == f"{name}.{method}"


def _is_of(owners: frozenset[str], function: Any) -> bool:
    module = _module_of(function)
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    return any(module == owner or module.startswith(f"{owner}.") for owner in owners)


def _module_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    module = getattr(function, "__module__", None)
    # A method of a C class has no module, but its class has one.
    return module if isinstance(module, str) else type(getattr(function, "__self__", function)).__module__


def _modules_of_plugins(config: pytest.Config) -> Iterator[str]:
    """Yield what was installed as a plugin: the package if its name starts with "pytest", else the module.

    A library that includes a plugin has handlers of its own, which stay. A conftest belongs to the project.
    """
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        for entry in distribution.entry_points:
            if entry.group == "pytest11":
                module = entry.value.partition(":")[0]
                package = module.partition(".")[0]
                yield package if package.lstrip("_").startswith("pytest") else module
