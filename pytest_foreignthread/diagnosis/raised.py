"""Causes of an exception: of a null result, and of exceptions that fail a test in the ordinary way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..model.records import Diagnosis
from .case import Case
from .lost import context_lost, dummy_thread, missing_proof, thread_local_lost
from .memory import java_heap_raised

# CPython's Objects/call.c, _Py_CheckFunctionResult.
_NO_EXCEPTION: Final = re.compile(r"(?P<name>.+?)(?:\(\))? returned NULL without setting an \w+")
_WITH_EXCEPTION: Final = re.compile(r"(?P<name>.+?)(?:\(\))? returned a result with an \w+ set")
_SWALLOWED: Final = re.compile(
    r'^(?:Exception in thread ".*" )?((?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error|Throwable)\b.*)', re.M
)
_MAIN_ONLY: Final = tuple(
    (kind, re.compile(text))
    for kind, text in (
        ("ValueError", r"signal only works in main thread.*"),
        ("ValueError", r"set_wakeup_fd only works in main thread.*"),
        ("RuntimeError", r"set_wakeup_fd only works in main thread.*"),
        # Not for the main thread: from Python 3.14 on it has no event loop of its own either.
        ("RuntimeError", r"There is no current event loop in thread '(?!MainThread').*"),
        ("RuntimeError", r"main thread is not in main loop"),
        # Raised by JPype's shutdownJVM, which also runs at the exit of Python.
        ("RuntimeError", r"Shutdown must be called from main thread"),
    )
)
_AFFINE: Final = tuple(
    (kind, re.compile(text))
    for kind, text in (
        ("ProgrammingError", r"SQLite objects created in a thread can only be used in that same thread.*"),
        ("RuntimeError", r"Calling Tcl from different apartment"),
        ("RuntimeError", r"Non-thread-safe operation invoked on an event loop other than the current one"),
        ("error", r"cannot switch to a different thread.*"),
    )
)
# One thread with several contexts or event loops raises these as well. So they count only on a foreign thread.
_AFFINE_OR_NOT: Final = tuple(
    (kind, re.compile(text, re.DOTALL))
    for kind, text in (
        ("ValueError", r"<Token .*> was created in a different Context"),
        ("RuntimeError", r".* is bound to a different event loop"),
        ("RuntimeError", r"Task .* got Future .* attached to a different loop"),
    )
)


def _null_result(case: Case) -> Diagnosis | None:
    for kind, text in case.exceptions:
        if kind == "SystemError" and (found := _NO_EXCEPTION.match(text)):
            return Diagnosis(
                "null-result",
                f"{found['name']} said by returning NULL that it had failed, and set no exception",
                "let the function set an exception wherever it returns NULL; where it calls Java, turn the pending "
                "Java exception into a Python one",
                (f"SystemError: {text}", *_swallowed(case)),
            )
    return None


def _swallowed(case: Case) -> Iterator[str]:
    if found := _SWALLOWED.search(case.written):
        yield f"Java wrote: {found[1].strip()}"


def _result_with_exception(case: Case) -> Diagnosis | None:
    for place, (kind, text) in enumerate(case.exceptions):
        if kind == "SystemError" and (found := _WITH_EXCEPTION.match(text)):
            pending = [
                f"the exception that was set: {': '.join(filter(None, one))}"
                for one in case.exceptions[place + 1 :][:1]
            ]
            return Diagnosis(
                "result-with-exception",
                f"{found['name']} returned a result although an exception was set",
                "let the function return NULL when a call in it failed, or clear the exception (PyErr_Clear) that it "
                "means to ignore",
                (f"SystemError: {text}", *pending),
            )
    return None


def _main_thread_only(case: Case) -> Diagnosis | None:
    for kind, text in case.exceptions:
        if _is_in(_MAIN_ONLY, kind, text):
            return Diagnosis(
                "main-thread-only",
                "the test did what Python, or a library, allows on the main thread only",
                f"{_on_main(case)}, or make it work from any thread: an event loop made by asyncio.run(), a handler "
                "set before the threads start",
                (f"{kind}: {text}",),
            )
    return None


def _on_main(case: Case) -> str:
    body = "do it in the test's own function" if case.mode == "main" else "do it in a fixture"
    return f"{body}, which runs on the main thread"


def _thread_affine(case: Case) -> Diagnosis | None:
    table = (*_AFFINE, *(_AFFINE_OR_NOT if case.on_foreign_thread else ()))
    raised = [": ".join(one) for one in case.exceptions if _is_in(table, *one)]
    if not raised and case.elsewhere is None:
        return None
    return Diagnosis(
        "thread-affine",
        f"the test used on {'a foreign' if case.jvm else 'another'} thread what belongs to the thread that made it",
        "make it on the thread that uses it, or hand its value over: an argument in place of a "
        "threading.local, contextvars.copy_context().run(), a connection for each thread",
        tuple(raised[:1]) or missing_proof(case),
    )


def _is_in(table: Sequence[tuple[str, re.Pattern[str]]], kind: str, text: str) -> bool:
    return any(kind == wanted and pattern.fullmatch(text) for wanted, pattern in table)


# A narrower rule comes before a wider one: the first rule that fits decides. `_thread_affine` accepts any value that is
# kept elsewhere, so the rules that name the kind of value come first.
EXCEPTIONS: Final = (
    _null_result,
    _result_with_exception,
    _main_thread_only,
    dummy_thread,
    thread_local_lost,
    context_lost,
    _thread_affine,
    java_heap_raised,
)
