"""A crash in what leads from C to a callback of ctypes, and crashes that look like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.model.stacks import Frame, NativeFrame

from .sample_cases import BODY, LIBPYTHON, code, crashed, evidence_of, fatal, seen, thread

LIBRARY: Final = "_ctypes.cpython-311-x86_64-linux-gnu.so"
TO_CALLBACK: Final = NativeFrame(LIBRARY, "_CallPythonObject", "+0x34")
CLOSURE: Final = NativeFrame(LIBRARY, "closure_fcn", "+0x28")
STRLEN: Final = NativeFrame("libc.so.6", "__strlen_avx2", "")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (TO_CALLBACK, "collected-proxy"),
        (CLOSURE, "collected-proxy"),
        (replace(CLOSURE, library="_ctypes.so"), "collected-proxy"),
        (replace(CLOSURE, library="libmine.so"), "native-crash"),
        (replace(CLOSURE, function=None), None),
        (replace(CLOSURE, function="string_at"), None),
        (replace(CLOSURE, library=None), None),
    ],
)
def test_where_it_crashed(frame: NativeFrame, expected: str | None) -> None:
    case = crashed(thread(frame, STRLEN, BODY), fatal_error=fatal(frame), native_threads=(seen(7),))
    assert code(case) == expected


def test_function_that_pystack_alone_names() -> None:
    case = crashed(thread(TO_CALLBACK, CLOSURE, BODY), fatal_error=fatal(replace(TO_CALLBACK, function=None)))
    assert code(case) == "collected-proxy"


@pytest.mark.parametrize(
    ("inline", "expected"),
    [
        (("Py_SIZE",), "collected-proxy"),
        (("Py_SIZE", "PyTuple_GET_SIZE"), "collected-proxy"),
        # What the callback returned, and an argument, may be broken by themselves.
        (("Py_DECREF",), None),
        (("_Py_DECREF",), None),
        (("PyCData_FromBaseObj",), None),
        (("i_get",), None),
    ],
)
def test_inline_functions_of_cpython_that_pystack_names(inline: tuple[str, ...], expected: str | None) -> None:
    frames = [NativeFrame(LIBRARY, name, "") for name in inline]
    case = crashed(thread(*frames, TO_CALLBACK, CLOSURE, BODY), fatal_error=fatal(*frames, TO_CALLBACK, CLOSURE))
    assert code(case) == expected


NAMELESS: Final = NativeFrame(LIBRARY, None, "+0x160d3")
FFI: Final = NativeFrame("libffi.so.8.1.2", None, "")
FFI_CALL: Final = NativeFrame("libffi.so.8.1.2", "ffi_call", "")
QSORT: Final = NativeFrame("libc.so.6", "qsort_r", "")


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ((NAMELESS, NAMELESS, FFI, FFI, QSORT, FFI, FFI_CALL, NAMELESS, BODY), "collected-proxy"),
        ((NAMELESS, FFI, FFI, QSORT, BODY), "collected-proxy"),
        ((FFI, QSORT, BODY), "collected-proxy"),
        ((FFI, FFI, FFI_CALL, NAMELESS, BODY), None),
        ((FFI, BODY), None),
        ((NAMELESS, NAMELESS, NAMELESS, FFI, QSORT, BODY), None),
        ((NAMELESS, FFI, FFI, FFI_CALL, NAMELESS, BODY), None),
        ((NAMELESS, FFI, NAMELESS, BODY), None),
        ((NAMELESS, FFI, BODY), None),
        ((NAMELESS, QSORT, BODY), None),
        ((STRLEN, NAMELESS, FFI, QSORT, BODY), None),
        ((BODY, NAMELESS, FFI, QSORT), None),
    ],
)
def test_python_without_symbols(stack: tuple[Frame, ...], expected: str | None) -> None:
    case = crashed(
        thread(*stack),
        fatal_error=fatal(replace(NAMELESS, library=stack[0].library))
        if isinstance(stack[0], NativeFrame)
        else fatal(NAMELESS),
    )
    assert code(case) == expected


def test_callback_that_crashes_in_a_call_of_its_own() -> None:
    assert code(crashed(thread(STRLEN, BODY, TO_CALLBACK, CLOSURE), fatal_error=fatal(STRLEN))) is None
    lookup = NativeFrame(LIBPYTHON, "PyObject_Vectorcall", "")
    assert code(crashed(thread(lookup, TO_CALLBACK, BODY), fatal_error=fatal(lookup))) != "collected-proxy"


def test_abort_is_no_bad_address() -> None:
    aborted = replace(fatal(TO_CALLBACK), signal="SIGABRT")
    assert code(crashed(thread(TO_CALLBACK), fatal_error=aborted, outcome=Outcome.CRASH)) is None


def test_proof_names_the_function_and_the_line_that_called_into_c() -> None:
    assert evidence_of(crashed(thread(TO_CALLBACK, BODY), fatal_error=fatal(TO_CALLBACK))) == (
        f"the crash is in _CallPythonObject+0x34 ({LIBRARY}), which reads nothing but what belongs to the callback",
        "the callback was called below test_bridge (test_bridge.py:12)",
    )
