from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import (
    Elsewhere,
    EndedBy,
    Exited,
    Holder,
    Kept,
    Observation,
    PhaseStarted,
    ReportMade,
    ThreadNamed,
)
from pytest_foreignthread.model.outcomes import Outcome, Phase
from pytest_foreignthread.model.records import Evidence

MAIN, FOREIGN = 1, 2
"""Python's ids of the main thread and of the one on which the test runs."""


def code(case: Case) -> str | None:
    diagnosis = diagnose(case)
    return None if diagnosis is None else diagnosis.code


def failed(
    *exceptions: tuple[str, str],
    elsewhere: Elsewhere | None = None,
    outcome: Outcome = Outcome.FAILED,
    ident: int = FOREIGN,
    **more: Any,
) -> Case:
    """Return the case of a test on the thread `ident` that raised the exceptions, outermost first."""
    messages = (
        PhaseStarted(Phase.SETUP),
        ThreadNamed(MAIN, 10, "MainThread"),
        PhaseStarted(Phase.CALL),
        ThreadNamed(ident, 11, "foreign-1"),
        ReportMade({"outcome": "passed"}),
        ReportMade({"outcome": "failed"}, exceptions, elsewhere),
    )
    observed = Observation(messages, Exited(0), EndedBy.ITSELF, Phase.TEARDOWN, 1.0, 1.0, 5.0)
    return Case(outcome, Phase.CALL, None, None, Evidence(**more), observed, "new")


NULL: Final = "<built-in function parse_int> returned NULL without setting an exception"
WITH: Final = "<built-in function setattr> returned a result with an exception set"
SQLITE: Final = (
    "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id "
    "139778661862272 and this is thread id 139778626418368."
)
TOKEN: Final = "<Token var=<ContextVar name='user' at 0x7f> at 0x7f> was created in a different Context"
LOOP: Final = "<asyncio.locks.Lock object at 0x7f [unlocked]> is bound to a different event loop"
OTHER_LOOP: Final = "Task <Task pending name='Task-1'> got Future <Future pending> attached to a different loop"
HEAP: Final = "java.lang.OutOfMemoryError: Java heap space"


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("SystemError", NULL, "null-result"),
        ("SystemError", NULL.replace("exception", "error"), "null-result"),
        ("RuntimeError", NULL, None),
        ("SystemError", "NULL object passed to Py_BuildValue", None),
        ("SystemError", "parse_int returned NULL", None),
        ("SystemError", WITH, "result-with-exception"),
        ("SystemError", WITH.replace("exception", "error"), "result-with-exception"),
        ("ValueError", WITH, None),
        ("SystemError", "setattr returned a result", None),
        # Python 3.10 to 3.13.
        ("ValueError", "signal only works in main thread of the main interpreter", "main-thread-only"),
        ("ValueError", "set_wakeup_fd only works in main thread of the main interpreter", "main-thread-only"),
        ("RuntimeError", "set_wakeup_fd only works in main thread of the main interpreter", "main-thread-only"),
        ("RuntimeError", "There is no current event loop in thread 'Dummy-1'.", "main-thread-only"),
        ("RuntimeError", "main thread is not in main loop", "main-thread-only"),
        ("RuntimeError", "Shutdown must be called from main thread", "main-thread-only"),
        ("RuntimeError", "There is no current event loop in thread 'MainThread'.", None),
        ("RuntimeError", "signal only works in main thread of the main interpreter", None),
        ("ValueError", "my signal only works in main thread", None),
        ("ValueError", "signal number out of range", None),
        ("RuntimeError", "Cannot add child handler, the child watcher does not have a loop attached", None),
        ("RuntimeError", "no running event loop", None),
        ("ProgrammingError", SQLITE, "thread-affine"),
        ("ProgrammingError", "Cannot operate on a closed database.", None),
        ("ValueError", SQLITE, None),
        ("RuntimeError", "Calling Tcl from different apartment", "thread-affine"),
        (
            "RuntimeError",
            "Non-thread-safe operation invoked on an event loop other than the current one",
            "thread-affine",
        ),
        ("error", "cannot switch to a different thread (which happens to have exited)", "thread-affine"),
        ("ValueError", TOKEN, "thread-affine"),
        ("RuntimeError", LOOP, "thread-affine"),
        ("RuntimeError", OTHER_LOOP, "thread-affine"),
        ("AssertionError", "cannot join a dummy thread", "dummy-thread"),
        # With what pytest says of the assertion where it rewrites the module.
        ("AssertionError", "cannot join a dummy thread\nassert False", "dummy-thread"),
        ("RuntimeError", "cannot join a dummy thread", "dummy-thread"),
        ("RuntimeError", "thread is not alive", "dummy-thread"),
        ("RuntimeError", "cannot join current thread", None),
        ("RuntimeError", "cannot join thread before it is started", None),
        ("AssertionError", "thread is not alive", None),
        ("ValueError", "cannot join a dummy thread", None),
        # Nobody need hold it, and no thread need have set it.
        ("RuntimeError", "cannot release un-acquired lock", None),
        ("AttributeError", "'_thread._local' object has no attribute 'user'", None),
        ("LookupError", "<ContextVar name='user' at 0x7f>", None),
        ("java.lang.OutOfMemoryError", HEAP, "java-heap"),
        ("java.lang.OutOfMemoryError", "Java heap space", "java-heap"),
        ("RuntimeError", HEAP, "java-heap"),
        ("java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError: GC overhead limit exceeded", "java-heap"),
        ("java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError: Metaspace", None),
        ("java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError: Requested array size exceeds VM limit", None),
        ("java.lang.OutOfMemoryError", "java.lang.OutOfMemoryError: unable to create native thread", None),
        ("MemoryError", "Java heap space", None),
        ("AssertionError", f"assert '{HEAP}' == ''", None),
        ("MemoryError", "", None),
    ],
)
def test_exceptions(kind: str, text: str, expected: str | None) -> None:
    assert code(failed((kind, text))) == expected
    assert code(failed(("RuntimeError", "wrapped"), (kind, text))) == expected
    assert code(failed((kind, text), outcome=Outcome.PASSED)) is None


@pytest.mark.parametrize("text", [("ValueError", TOKEN), ("RuntimeError", LOOP)])
def test_another_context_or_loop_on_the_main_thread_has_nothing_to_do_with_threads(text: tuple[str, str]) -> None:
    assert code(failed(text, ident=MAIN)) is None
    assert code(replace(failed(text), mode="main")) is None


def evidence_of(case: Case) -> tuple[str, ...]:
    diagnosis = diagnose(case)
    assert diagnosis is not None
    return diagnosis.evidence


def test_the_first_failing_report_counts() -> None:
    later = ReportMade({"outcome": "failed"}, (("ValueError", "of the teardown"),))
    case = failed(("SystemError", NULL))
    case = replace(case, observation=replace(case.observation, messages=(*case.observation.messages, later)))
    assert code(case) == "null-result"


LOCAL: Final = "the attribute 'user' of this threading.local"
VARIABLE: Final = "a value of the context variable 'user'"
ELSEWHERE: Final = f"the main thread has {LOCAL}"
MISSING: Final = ("AttributeError", "'_thread._local' object has no attribute 'user'")


@pytest.mark.parametrize(
    ("exceptions", "shown"),
    [
        ([MISSING], (": ".join(MISSING), ELSEWHERE)),
        ([("RuntimeError", "wrapped"), MISSING], (": ".join(MISSING), ELSEWHERE)),
        ([("RuntimeError", "its cause was hidden")], (ELSEWHERE,)),
    ],
)
def test_what_the_main_thread_has_proves_where_it_belongs(
    exceptions: Sequence[tuple[str, str]], shown: tuple[str, ...]
) -> None:
    case = failed(*exceptions, elsewhere=Elsewhere(Holder.MAIN_THREAD, Kept.LOCAL, LOCAL))
    assert (code(case), evidence_of(case)) == ("thread-affine", shown)


LOOKUP: Final = ("LookupError", "<ContextVar name='user' at 0x7f>")


@pytest.mark.parametrize(
    ("holder", "kept", "expected", "proof"),
    [
        (Holder.MAIN_THREAD, Kept.LOCAL, "thread-affine", f"the main thread has {LOCAL}"),
        (Holder.OTHER_CALLBACK, Kept.LOCAL, "thread-affine", f"an earlier callback on another thread had {LOCAL}"),
        (
            Holder.EARLIER_CALLBACK,
            Kept.LOCAL,
            "thread-local-lost",
            f"an earlier callback on the same thread had {LOCAL}",
        ),
        (Holder.MAIN_THREAD, Kept.CONTEXT, "context-lost", f"the main thread has {VARIABLE}"),
        (Holder.SUBMITTER, Kept.CONTEXT, "context-lost", f"the code that submitted the callback had {VARIABLE}"),
        (
            Holder.EARLIER_CALLBACK,
            Kept.CONTEXT,
            "context-lost",
            f"an earlier callback on the same thread had {VARIABLE}",
        ),
    ],
)
def test_who_has_what_is_missing_shows_the_cause(holder: Holder, kept: Kept, expected: str, proof: str) -> None:
    raised, what = (MISSING, LOCAL) if kept is Kept.LOCAL else (LOOKUP, VARIABLE)
    case = failed(("RuntimeError", "wrapped"), raised, elsewhere=Elsewhere(holder, kept, what))
    assert (code(case), evidence_of(case)[-1]) == (expected, proof)
    assert code(failed(raised)) is None


def test_an_exception_of_decimal_is_shown() -> None:
    raised = ("InvalidOperation", "[<class 'decimal.ConversionSyntax'>]")
    found = Elsewhere(Holder.MAIN_THREAD, Kept.CONTEXT, "a decimal context that does not trap InvalidOperation")
    case = failed(raised, elsewhere=found)
    assert (code(case), evidence_of(case)[0]) == ("context-lost", ": ".join(raised))


def test_the_exception_that_was_set() -> None:
    case = failed(("SystemError", WITH), ("MemoryError", ""))
    assert evidence_of(case) == (f"SystemError: {WITH}", "the exception that was set: MemoryError")
    assert evidence_of(failed(("SystemError", WITH))) == (f"SystemError: {WITH}",)


def test_the_java_exception_that_was_swallowed() -> None:
    written = 'words\nException in thread "foreign-1" java.lang.IllegalStateException: closed\n\tat a.B.c(B.java:3)\n'
    case = failed(("SystemError", NULL), stderr=written, outcome=Outcome.NULL_RESULT)
    assert evidence_of(case) == (f"SystemError: {NULL}", "Java wrote: java.lang.IllegalStateException: closed")
