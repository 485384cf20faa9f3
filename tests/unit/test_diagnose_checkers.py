"""What the checkers' own words prove, and what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from pytest_foreignthread.diagnosis.case import Case
from pytest_foreignthread.model.observation import Exited
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stacks import JavaFrame, JniFinding

from .sample_cases import BODY, code, crashed, evidence_of, fatal, thread
from .test_memory_block import FREED, OVERRUN

INVOKE: Final = JavaFrame("org.jpype.proxy.JPypeProxy.hostInvoke", None, None, native=True)
WRONG: Final = JniFinding("Using JNIEnv in the wrong thread", True, 7, (INVOKE,))
PENDING: Final = JniFinding("JNI call made with exception pending", False, 7, (INVOKE,))


def aborted(*found: JniFinding, **more: Any) -> Case:
    given = {"outcome": Outcome.CRASH, "signal": "SIGABRT", "fatal_python_error": "Fatal Python error: Aborted", **more}
    return crashed(thread(BODY), jni=found, **given)


def test_hotspot_ended_the_process_for_a_call_of_jni() -> None:
    case = aborted(PENDING, WRONG)
    assert code(case) == "jni-misuse"
    assert evidence_of(case) == (
        "HotSpot's checker (-Xcheck:jni) said: Using JNIEnv in the wrong thread",
        "the call was in JPypeProxy.hostInvoke",
    )


def test_the_thread_need_not_be_known() -> None:
    assert code(crashed(outcome=Outcome.CRASH, signal="SIGABRT", jni=(WRONG,))) == "jni-misuse"
    assert code(aborted(replace(WRONG, native_id=None))) == "jni-misuse"


@pytest.mark.parametrize(
    "case",
    [
        aborted(),
        aborted(PENDING),
        aborted(WRONG, PENDING),
        aborted(replace(WRONG, native_id=8)),
        aborted(replace(WRONG, text="the library's own text")),
        aborted(WRONG, signal="SIGSEGV", outcome=Outcome.SEGFAULT),
        aborted(WRONG, signal=None, outcome=Outcome.CRASH, end=Exited(3), exit_code=3),
    ],
)
def test_what_does_not_prove_a_misuse_of_jni(case: Case) -> None:
    assert code(case) != "jni-misuse"


TRAILING: Final = "Fatal Python error: _PyMem_DebugRawFree: bad trailing pad byte"


def test_python_ended_the_process_for_a_block() -> None:
    case = aborted(fatal_python_error=TRAILING, stderr=OVERRUN)
    assert code(case) == "memory-misuse"
    assert evidence_of(case) == (
        TRAILING,
        "the block: at 0x7feb5d39e140, of 16 bytes, by PyMem_Malloc, and 00 fd fd behind it",
    )


def test_a_block_whose_description_was_not_captured() -> None:
    assert evidence_of(aborted(fatal_python_error=TRAILING)) == (TRAILING,)


def test_faulthandler_has_only_the_abort() -> None:
    assert code(aborted(stderr=OVERRUN)) == "memory-misuse"


def test_the_description_of_a_freed_block_crashed() -> None:
    assert code(crashed(thread(BODY), fatal_error=fatal(), stderr=FREED)) == "memory-misuse"


@pytest.mark.parametrize(
    "case",
    [
        aborted(stderr=f"{FREED}\nand more\n"),
        crashed(thread(BODY), fatal_error=fatal(), stderr=f"{FREED}\nFatal Python error: Aborted\n"),
        crashed(outcome=Outcome.CRASH, signal=None, end=Exited(1), exit_code=1, stderr=OVERRUN),
        aborted(fatal_python_error="Fatal Python error: the bridge has a bad state"),
    ],
)
def test_what_does_not_prove_a_broken_block(case: Case) -> None:
    assert code(case) != "memory-misuse"


def by_pointer(*registers: int, debugs: bool = True, outcome: Outcome = Outcome.SEGFAULT) -> Case:
    return replace(crashed(thread(BODY), outcome=outcome, fatal_error=fatal(registers=registers)), debugs_memory=debugs)


@pytest.mark.parametrize(
    ("register", "memory"),
    [
        (0xDDDDDDDDDDDDDDDD, "that was freed"),
        (0xDDDDDDDDDDDDDDDD + 0x18, "that was freed"),
        (0xDDDDDDDDDDDDDDDD - 0x10, "that was freed"),
        (0xCDCDCDCDCDCDCDCD, "to which nothing had been written"),
        (0xFDFDFDFDFDFDFDFD, "beyond the end of a block"),
    ],
)
def test_a_pointer_out_of_memory_that_is_not_in_use(register: int, memory: str) -> None:
    case = by_pointer(0, 0x7FC165E464A0, register)
    assert code(case) == "memory-misuse"
    assert memory in evidence_of(case)[0]


@pytest.mark.parametrize(
    "case",
    [
        by_pointer(),
        by_pointer(0xDDDDDDDD, 0xDDDDDDDDDDDD0000),
        by_pointer(0xDDDDDDDDDDDDDDDD, debugs=False),
        by_pointer(0xDDDDDDDDDDDDDDDD, outcome=Outcome.CRASH),
    ],
)
def test_what_does_not_prove_such_a_pointer(case: Case) -> None:
    assert code(case) != "memory-misuse"


def test_the_hooks_of_memory_miss_the_gil() -> None:
    said = "Fatal Python error: _PyMem_DebugMalloc: Python memory allocator called without holding the GIL\n"
    assert code(aborted(stderr=said)) == "no-gil"
