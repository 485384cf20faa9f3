"""What Python calls at the end of a process and was there before a test: which of it a child leaves out.

A forked child inherits the handlers of the pytest process. Those of pytest, of its plugins and of the standard library
remove that process's temporary directories, end its children, write its files. Those of the project's modules and of
the libraries that they import are part of what is tested: a library may join its threads there.
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
"""Class and method by which `weakref` calls its finalizers, each of which is looked at by itself."""


def leave_inherited_at_exit(config: pytest.Config) -> None:
    """Take away the handlers of `atexit`, and the finalizers of `weakref`, that are the pytest process's own."""
    owners = frozenset([*_OF_PYTEST, *_modules_of_plugins(config)])
    atexit.unregister(_Handlers(lambda function: not _runs_finalizers(function) and _is_of(owners, function)))
    # `weakref` has no public list of them.
    for finalizer in tuple(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive is not None and _is_of(owners, alive[1]):
            finalizer.atexit = False


class _Handlers:
    """Equal to each function that fits: `atexit.unregister` goes by equality, and nothing lists what is registered."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, fits: Callable[[Any], bool]) -> None:
        self._fits = fits

    def __eq__(self, other: object) -> bool:
        return self._fits(other)

    def __call__(self) -> None:
        """Do nothing: `unregister` takes a function."""


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
    # A method that is written in C has the module of its class.
    return module if isinstance(module, str) else type(getattr(function, "__self__", function)).__module__


def _modules_of_plugins(config: pytest.Config) -> Iterator[str]:
    """Yield what was installed as a plugin: the package that is named for it, else the module.

    A library that brings a plugin along has handlers of its own, and a conftest is the project's.
    """
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        for entry in distribution.entry_points:
            if entry.group == "pytest11":
                module = entry.value.partition(":")[0]
                package = module.partition(".")[0]
                yield package if package.lstrip("_").startswith("pytest") else module
