"""What a runtime wrote before it called abort(), and the same words in the mouth of others."""

from __future__ import annotations

from typing import Any, Final

import pytest

from pytest_foreignthread.diagnosis import diagnose
from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import Exited
from pytest_foreignthread.model.outcomes import Outcome

from .sample_cases import BODY, code, crashed, evidence_of, thread

THROWN: Final = "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no price\n"
LIBCXX: Final = "libc++abi: terminating due to uncaught exception of type std::out_of_range: no price\n"
ASSERTION: Final = "python: bridge.c:12: update: Assertion `price > 0' failed.\n"
PURE: Final = "pure virtual method called\nterminate called without an active exception\n"
QTHREAD: Final = "QThread: Destroyed while thread '' is still running\n"
QT_ASSERT: Final = 'ASSERT: "uint(i) < uint(size())" in file qlist.h, line 447\n'
PANIC: Final = "thread 'main' panicked at src/lib.rs:3:5:\nno price\nthread caused non-unwinding panic. aborting.\n"
GIVEN_UP: Final = "Fatal Python error: PyGILState_Release: thread state 0x7f3 must be current when releasing"


def aborts(stderr: str, **more: Any) -> Case:
    given = {"signal": "SIGABRT", "fatal_python_error": "Fatal Python error: Aborted", **more}
    return crashed(thread(BODY), outcome=Outcome.CRASH, stderr=f"first\n{stderr}last\n", **given)


@pytest.mark.parametrize(
    ("stderr", "text", "proof"),
    [
        (THROWN, "a C++ exception left", "an instance of 'std::runtime_error' what(): no price"),
        (THROWN.partition("\n")[0] + "\n", "a C++ exception left", "an instance of 'std::runtime_error'"),
        (LIBCXX, "a C++ exception left", "of type std::out_of_range: no price"),
        (PURE, "C++ called a method of an object", "pure virtual method called"),
        (PURE.partition("\n")[2], "C++ called std::terminate", "terminate called without an active exception"),
        (ASSERTION, "an assertion in C code failed", ASSERTION.strip()),
        (QTHREAD, "Qt destroyed a QThread", QTHREAD.strip()),
        (QT_ASSERT, "an assertion of Qt failed", QT_ASSERT.strip()),
        (PANIC, "Rust code panicked", "thread caused non-unwinding panic. aborting."),
    ],
)
def test_what_a_runtime_wrote_before_it_aborted(stderr: str, text: str, proof: str) -> None:
    case = aborts(stderr)
    diagnosis = diagnose(case)
    assert diagnosis is not None
    assert (diagnosis.code, diagnosis.text.startswith(text)) == ("aborted", True)
    assert diagnosis.evidence[0].startswith("it wrote: ")
    assert diagnosis.evidence[0].endswith(proof)


@pytest.mark.parametrize(
    "case",
    [
        aborts(""),
        aborts("AssertionError: assert `price' failed\n"),
        aborts(f"log: {THROWN}"),
        # The process died of something else; another one wrote the words.
        aborts(THROWN, signal="SIGSEGV"),
        aborts(THROWN, signal=None, end=Exited(1), exit_code=1),
        # Python's own error says more.
        aborts(THROWN, fatal_python_error="Fatal Python error: deallocating None"),
    ],
)
def test_what_does_not_prove_that_a_runtime_aborted(case: Case) -> None:
    assert code(case) != "aborted"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("free(): double free detected in tcache 2", "a block of malloc() was freed twice, or overwritten"),
        ("double free or corruption (!prev)", "a block of malloc() was freed twice, or overwritten"),
        ("malloc(): corrupted top size", "a block of malloc() was freed twice, or overwritten"),
        ("munmap_chunk(): invalid pointer", "a block of malloc() was freed twice, or overwritten"),
        ("corrupted size vs. prev_size while consolidating", "a block of malloc() was freed twice, or overwritten"),
        ("*** stack smashing detected ***: terminated", "C code wrote beyond the end of a buffer"),
    ],
)
def test_glibc_found_a_broken_block(words: str, text: str) -> None:
    case = aborts(f"{words}\n")
    diagnosis = diagnose(case)
    assert diagnosis is not None
    assert (diagnosis.code, diagnosis.text) == ("memory-misuse", text)
    assert evidence_of(case) == (f"glibc said: {words}",)
    assert code(aborts(f"{words}\n", signal="SIGSEGV")) is None
    assert code(aborts(f"{words}\n", signal=None, end=Exited(1), exit_code=1)) == "exited"


def test_the_text_of_a_fatal_error_on_stderr() -> None:
    """Of a C++ exception that crossed Python's frames the bridge's handler aborts, and faulthandler writes no dump."""
    case = aborts(f"{GIVEN_UP}\nPython runtime state: initialized\n", fatal_python_error=None)
    assert code(case) == "fatal-error"
    assert evidence_of(case) == (GIVEN_UP,)
    assert code(aborts("Fatal Python error: Aborted\n", fatal_python_error=None)) is None
    assert code(aborts(f"{GIVEN_UP}\n", signal=None, end=Exited(1), exit_code=1)) == "exited"
