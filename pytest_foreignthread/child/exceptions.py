"""What the parent learns about an exception: the exception, its explicit causes, and what Java carried for Python."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from ..model.null_results import raised_null_result
from ..model.outcomes import NullResult
from .java.python_causes import python_causes
from .parts import cause_of, context_of, is_really, shown_context_of, traceback_of
from .pytest.plain_data import class_name, text_of


def exception_chain(error: BaseException) -> tuple[tuple[str, str], ...]:
    """Return (type name, text) of the exception, of its explicit causes, and of the members of a group.

    A Java exception is followed by the exceptions of Python callbacks that the Java exception carries.
    """
    return tuple((_kind(one), text_of(one)) for one in _walk(error, set()))


def null_result(excinfo: pytest.ExceptionInfo[BaseException] | None) -> NullResult | None:
    """Return a NullResult with the raised traceback if the chain has a null-result SystemError, else None."""
    text = null_result_text(excinfo.value) if excinfo is not None else None
    if excinfo is None or text is None:
        return None
    return NullResult(text).with_traceback(traceback_of(excinfo.value))


def null_result_text(error: BaseException) -> str | None:
    """Return the text of the null-result SystemError in the chain; None if the chain has none."""
    return raised_null_result(exception_chain(error))


def carried_by_java(error: BaseException) -> list[str]:
    """Return the tracebacks of the Python exceptions that Java exceptions in the chain carry, each traceback once.

    The chain is that of a traceback, with the exceptions that were being handled.
    """
    links = _walk(error, set(), contexts=True)
    # Compared as text: before Python 3.12, JPype returns another instance of the same exception for each lookup.
    return list(dict.fromkeys(_traceback(one) for link in links for one in python_causes(link)))


def _traceback(error: BaseException) -> str:
    """Return the traceback of an exception without the Java exception that carried it."""
    try:
        shown, context = traceback.TracebackException.from_exception(error), context_of(error)
        if any(map(python_causes, _walk(context, set()))):
            shown.__context__ = None
        return "".join(shown.format()).rstrip()
    except BaseException:  # a test's exception may do anything where it is shown
        return f"{class_name(type(error))}: {text_of(error)}"


def _walk(error: BaseException | None, seen: set[int], *, contexts: bool = False) -> Iterator[BaseException]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        for inner in (*_members(error), *python_causes(error)):
            yield from _walk(inner, seen, contexts=contexts)
        error = cause_of(error) or (shown_context_of(error) if contexts else None)


def _members(error: BaseException) -> tuple[BaseException, ...]:
    """Return the members of an exception group; () for any other exception.

    The attribute decides and not the class, because Python 3.10 has no class BaseExceptionGroup.
    """
    try:
        found = getattr(error, "exceptions", ())
        return tuple(one for one in found if is_really(one, BaseException)) if is_really(found, tuple) else ()
    except BaseException:  # a test's exception may do anything in a property, and its tuple in a method
        return ()


def _kind(error: BaseException) -> str:
    return "SystemError" if is_really(error, SystemError) else class_name(type(error))
