"""What callbacks of a test leave on their threads; Python drops it with the thread state of each callback.

A thread that C or Java created has a thread state for the length of one callback. Its `threading.local` values and its
context end with the callback, and the next callback on the same thread finds neither.
"""

from __future__ import annotations

import contextvars
import threading
import weakref
from collections.abc import Iterator
from threading import get_native_id

from ..interop.thread_locals import locals_of_this_thread, namespace_of
from ..model.observation import Elsewhere, Holder, Kept
from .parts import arguments_of, cause_of, context_of, is_really
from .pytest.plain_data import text_of

Local = weakref.ref[threading.local]
Names = dict[int, tuple[Local, frozenset[str]]]
"""`id` of a `threading.local` → the local, and the names of its attributes."""
Variables = frozenset[contextvars.ContextVar[object]]


class ThreadValues:
    """The values of one test. Only names are kept: a reference to a value would prevent its destruction."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[int, Names] = {}
        """By the kernel's id of the thread, as in `_variables`."""
        self._variables: dict[int, Variables] = {}
        self._found: list[tuple[BaseException, Elsewhere]] = []

    def keep_names(self) -> None:
        """Record the names on this thread; call at the end of each callback on a foreign thread."""
        thread = get_native_id()
        names = [(one, frozenset(namespace_of(one))) for one in locals_of_this_thread()]
        variables = frozenset(contextvars.copy_context())
        if not names and not variables:
            return
        with self._lock:
            known = self._names.setdefault(thread, {})
            known.update({id(one): (weakref.ref(one), kept) for one, kept in names})
            self._variables[thread] = self._variables.get(thread, frozenset()) | variables

    def explain(self, error: BaseException, submitter: Submitter) -> None:
        """Find where the value is that an exception reports as missing; call on the thread whose callback raised it."""
        for one in links(error):
            with self._lock:
                found = self._left_behind(one) or submitter.has(one)
            if found is not None:
                self._found.append((error, found))
                return

    def _left_behind(self, error: BaseException) -> Elsewhere | None:
        if (variable := missing_variable(error)) is not None:
            threads = [thread for thread, known in self._variables.items() if variable in known]
            return of_context(_holder(threads), variable) if threads else None
        if (missing := missing_attribute(error)) is not None:
            threads = [thread for thread, known in self._names.items() if _has(known, *missing)]
            return of_local(_holder(threads), missing[1]) if threads else None
        return None

    def explanation(self, error: BaseException) -> Elsewhere | None:
        """Return what `explain` found for an exception or for one in its chain; None if it found nothing."""
        chain = list(links(error))
        return next((found for known, found in self._found if any(known is one for one in chain)), None)


def _holder(threads: list[int]) -> Holder:
    return Holder.EARLIER_CALLBACK if get_native_id() in threads else Holder.OTHER_CALLBACK


def _has(known: Names, local: threading.local, name: str) -> bool:
    reference, names = known.get(id(local), (None, frozenset[str]()))
    return reference is not None and reference() is local and name in names


class Submitter:
    """The code that submits a callback: the context variables that have a value there."""

    def __init__(self, *, is_main_thread: bool) -> None:
        self._holder = Holder.MAIN_THREAD if is_main_thread else Holder.SUBMITTER
        self._variables: Variables = frozenset(contextvars.copy_context())

    def has(self, error: BaseException) -> Elsewhere | None:
        variable = missing_variable(error)
        return of_context(self._holder, variable) if variable is not None and variable in self._variables else None


def links(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and the exceptions that led to it, explicit and implicit ones."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = cause_of(error) or context_of(error)


def missing_attribute(error: BaseException) -> tuple[threading.local, str] | None:
    """Return the `threading.local` that lacks an attribute, and the attribute's name; None for any other exception."""
    if type(error) is not AttributeError or not is_really(error.obj, threading.local):
        return None
    return error.obj, text_of(error.name)


def missing_variable(error: BaseException) -> contextvars.ContextVar[object] | None:
    """Return the context variable that has no value; None for any other exception."""
    # `ContextVar.get` raises a LookupError whose only argument is the variable.
    arguments = arguments_of(error) if is_really(error, LookupError) else ()
    variable = arguments[0] if arguments else None
    return variable if type(variable) is contextvars.ContextVar else None


def of_local(holder: Holder, name: str) -> Elsewhere:
    return Elsewhere(holder, Kept.LOCAL, f"the attribute {name!r} of this threading.local")


def of_context(holder: Holder, variable: contextvars.ContextVar[object]) -> Elsewhere:
    return Elsewhere(holder, Kept.CONTEXT, f"a value of the context variable {variable.name!r}")
