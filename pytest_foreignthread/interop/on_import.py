"""Calls a function after the first import of a module, or runs the import inside a context."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

Then = Callable[[ModuleType], None]
Around = Callable[[], AbstractContextManager[object]]


def _nothing(_module: ModuleType) -> None:
    pass


class OnImport(importlib.abc.MetaPathFinder):
    """A finder on `sys.meta_path` until the module is imported or `forget` is called."""

    def __init__(self, name: str, then: Then = _nothing, around: Around = nullcontext) -> None:
        """Call `then` with the module: at once if it is imported already, else after its import.

        The import runs in the context `around()`.
        """
        self._name = name
        self._then = then
        self._around = around
        if (module := sys.modules.get(name)) is not None:
            then(module)
        else:
            sys.meta_path.insert(0, self)

    def forget(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        self.forget()
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = LoaderThen(spec.loader, self._then, self._around)
        return spec


class LoaderThen(importlib.abc.Loader):
    """Loads with the module's own loader, which becomes the module's loader again before the module's code runs."""

    def __init__(self, loader: importlib.abc.Loader, then: Then, around: Around = nullcontext) -> None:
        self._loader = loader
        self._then = then
        self._around = around

    def __getattr__(self, name: str) -> Any:
        # If another `LoaderThen` wraps this one, this one is the module's loader while the other's context runs.
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with self._around():
            self._loader.exec_module(module)
        self._then(module)
