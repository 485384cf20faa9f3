"""The `threading.local`s that have values on this thread: CPython has no list of them.

Each leaves a weak reference on an object that lives as long as the thread's state: up to Python 3.12 one for each
`threading.local`, in the dictionary of the state; from 3.13 on one for all, to which a `threading.local` refers.
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

# A test may put another class in its place.
_LOCAL: Final = threading.local


def locals_of_this_thread() -> list[threading.local]:
    """Return those in which this thread has a namespace; none on an interpreter that is built in another way."""
    found = (_referent(one) for mark in _marks() for one in weakref.getweakrefs(mark))
    return [one for one in found if isinstance(one, _LOCAL)]


def namespace_of(local: threading.local) -> dict[str, Any]:
    """Return what the `threading.local` has on this thread, whatever its class says of `__dict__`."""
    found: dict[str, Any] = _LOCAL.__getattribute__(local, "__dict__")
    return found


def _marks() -> Iterator[Any]:
    """Yield the objects that die with the state of this thread."""
    if sys.version_info < (3, 13):
        yield from (mark for name, mark in _dictionary().items() if str(name).startswith("thread.local."))
    else:
        own = _LOCAL()
        # It has a namespace from its first use on.
        own.used = True
        sets = (one for one in gc.get_referents(own) if isinstance(one, set))
        yield from (mark for one in sets for reference in one if (mark := reference()) is not None)


def _dictionary() -> dict[Any, Any]:
    address = _get_dictionary()()
    found = None if address is None else ctypes.cast(address, ctypes.py_object).value
    return dict(found) if isinstance(found, dict) else {}


@functools.cache
def _get_dictionary() -> Any:
    # A function of our own: others may have set another type for the result of the one that `pythonapi` shares.
    return ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))


def _referent(reference: Any) -> object:
    """Return the `threading.local` that the callback of a weak reference would clear."""
    bound = getattr(reference.__callback__, "__self__", None)
    inner = bound[0] if isinstance(bound, tuple) and bound else bound
    return inner() if isinstance(inner, weakref.ref) else None
