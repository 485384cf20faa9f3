"""Causes of an exception: values that Python keeps for each of its own threads, but not for a foreign thread."""

from __future__ import annotations

import re
from typing import Final

from ..model.observation import Holder, Kept
from ..model.records import Diagnosis
from .case import Case

_MISSING: Final[tuple[str, ...]] = ("AttributeError", "LookupError")
# What CPython's threading._DummyThread raises: the first up to Python 3.12, the others from 3.13 on.
_DUMMY: Final = (
    ("AssertionError", re.compile(r"cannot join a dummy thread(?:\n.*)?", re.DOTALL)),
    ("RuntimeError", re.compile(r"cannot join a dummy thread")),
    ("RuntimeError", re.compile(r"thread is not alive")),
)
_HOLDERS: Final = {
    Holder.MAIN_THREAD: "the main thread has",
    Holder.SUBMITTER: "the code that submitted the callback had",
    Holder.EARLIER_CALLBACK: "an earlier callback on the same thread had",
    Holder.OTHER_CALLBACK: "an earlier callback on another thread had",
}


def thread_local_lost(case: Case) -> Diagnosis | None:
    found = case.elsewhere
    if found is None or found.kept is not Kept.LOCAL or found.holder is not Holder.EARLIER_CALLBACK:
        return None
    return Diagnosis(
        "thread-local-lost",
        "a threading.local lost its value between two callbacks on one thread: Python makes a new thread state for "
        "each callback on a thread that it did not make",
        "keep the value outside of threading.local: in the object whose method is the callback, or in a dictionary by "
        "threading.get_native_id(); or keep one thread state, by a PyGILState_Ensure() in C for as long as the thread "
        "lives",
        missing_proof(case),
    )


def context_lost(case: Case) -> Diagnosis | None:
    if case.elsewhere is None or case.elsewhere.kept is not Kept.CONTEXT:
        return None
    return Diagnosis(
        "context-lost",
        "a context variable had no value, or its first one, where the test used it: each callback on a foreign thread "
        "begins with an empty context",
        "hand the context over: context = contextvars.copy_context() where the callback is made, context.run(function) "
        "in it; or set the value in the callback itself",
        missing_proof(case),
    )


def missing_proof(case: Case) -> tuple[str, ...]:
    """Return the proofs that a value is missing on this thread only: the exception, and where the value is if known.

    The exception alone would not prove that anybody had set the value, on any thread.
    """
    found, kinds = case.elsewhere, _MISSING
    if found is not None and found.kept is Kept.CONTEXT:
        # Each signal of the module `decimal` has an exception class of its own.
        kinds = (*_MISSING, *(kind for kind, _ in case.exceptions[:1]))
    raised = [": ".join(one) for one in case.exceptions if one[0] in kinds]
    return (*raised[:1], *([] if found is None else [f"{_HOLDERS[found.holder]} {found.what}"]))


def dummy_thread(case: Case) -> Diagnosis | None:
    for kind, text in case.exceptions:
        if any(kind == wanted and pattern.fullmatch(text) for wanted, pattern in _DUMMY):
            return Diagnosis(
                "dummy-thread",
                "the test treated as a Python thread what only stands for a foreign one: threading.current_thread() "
                "makes a _DummyThread there, which cannot be joined and does not know when its thread ends",
                "wait for the end of the work, not of the thread: an Event that the callback sets, or the Future that "
                "foreign_thread.submit returns",
                (f"{kind}: {text.partition(chr(10))[0]}",),
            )
    return None
