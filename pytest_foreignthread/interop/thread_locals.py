"""The `threading.local` objects that have values on this thread, of which CPython has no list.

Each such object leaves a weak reference on an object that lives as long as the thread state. Up to Python 3.12 there is
one such object for each `threading.local`, in the dictionary of the thread state. From 3.13 on there is one for all,
and each `threading.local` refers to it.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any, Final

# A test may replace `threading.local`.
_LOCAL: Final = threading.local


def locals_of_this_thread() -> list[threading.local]:
    """Return the locals that have a namespace on this thread; empty on an interpreter with another implementation."""
    found = (_referent(one) for mark in _marks() for one in weakref.getweakrefs(mark))
    return [one for one in found if isinstance(one, _LOCAL)]


def namespace_of(local: threading.local) -> dict[str, Any]:
    """Return the namespace of a `threading.local` on this thread, even if its class overrides `__dict__`."""
    found: dict[str, Any] = _LOCAL.__getattribute__(local, "__dict__")
    return found


def _marks() -> Iterator[Any]:
    """Yield the objects that are destroyed with the state of this thread."""
    if sys.version_info < (3, 13):
        yield from (mark for name, mark in _dictionary().items() if str(name).startswith("thread.local."))
    else:
        own = _LOCAL()
        # It gets a namespace at its first use.
        own.used = True
        sets = (one for one in gc.get_referents(own) if isinstance(one, set))
        yield from (mark for one in sets for reference in one if (mark := reference()) is not None)


def _dictionary() -> dict[Any, Any]:
    address = _get_dictionary()()
    found = None if address is None else ctypes.cast(address, ctypes.py_object).value
    return dict(found) if isinstance(found, dict) else {}


@functools.cache
def _get_dictionary() -> Any:
    # A separate function object: `ctypes.pythonapi` shares its own with other code, which may change its result type.
    return ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))


def _referent(reference: Any) -> object:
    """Return the `threading.local` that the callback of a weak reference would clear."""
    bound = getattr(reference.__callback__, "__self__", None)
    inner = bound[0] if isinstance(bound, tuple) and bound else bound
    return inner() if isinstance(inner, weakref.ref) else None
