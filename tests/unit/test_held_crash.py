"""The kernel's document of a crash that waited, and the frames of the handlers in which it waited."""

from __future__ import annotations

import signal
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.evidence.held_crash_document import parse_held_crash
from pytest_foreignthread.evidence.merge import read_evidence
from pytest_foreignthread.evidence.signal_frames import before_the_signal
from pytest_foreignthread.model.settings import HELD_SIGNALS, held_mask
from pytest_foreignthread.model.stacks import NativeFrame, NativeThread, PythonFrame
from pytest_foreignthread.supervise.probes.held_thread import Mapping, signal_lines

DOCUMENT: Final = """\
signal: SIGSEGV
thread: 42
address: 0x7f0000000ff8
stack: 0x7f0000001000 0x7f0000801000
main stack: 8388608
library: /usr/lib/libc.so.6
library: /opt/lib/libz.so.1.2.13
"""


def c(function: str, library: str = "libc.so.6") -> NativeFrame:
    return NativeFrame(library, function, "")


BODY: Final = PythonFrame("test_it.py", 3, "test_it")
HANDLERS: Final = (
    c("pause"),
    c("__restore_rt"),
    c("raise"),
    c("faulthandler_fatal_error", "libpython3.11.so.1.0"),
    c("__restore_rt"),
)
HELD: Final = NativeThread(
    42, None, None, (*HANDLERS, c("crc32_z", "libz.so.1.2.13"), c("ffi_call", "libffi.so.8"), BODY)
)


def test_what_the_kernel_and_pystack_say() -> None:
    found = parse_held_crash(DOCUMENT, [HELD])
    assert found is not None
    assert (found.signal, found.native_id, found.held) == ("SIGSEGV", 42, True)
    assert found.address == "0x00007f0000000ff8"
    assert found.stack == (0x7F0000001000, 0x7F0000801000)
    assert [frame.function for frame in found.native_frames] == ["crc32_z", "ffi_call"]
    assert found.library_path == "/opt/lib/libz.so.1.2.13"
    assert found.main_stack == 8388608
    assert found.problematic_frame == "C  [libz.so.1.2.13]  crc32_z"


def test_the_kernel_names_no_address() -> None:
    """Its registers then tell by which pointer the thread crashed."""
    text = DOCUMENT.replace("address: 0x7f0000000ff8\n", "address: 0x0\nregisters: 0xdddddddddddddddd 0x1 odd 0x2\n")
    found = parse_held_crash(text, [HELD])
    assert found is not None
    assert (found.address, found.registers) == (None, (0xDDDDDDDDDDDDDDDD, 1, 2))
    many = parse_held_crash(text.replace("odd", "0x3 " * 10_000), [HELD])
    assert many is not None
    assert len(many.registers) == 32


def test_without_pystack_there_is_no_frame() -> None:
    found = parse_held_crash(DOCUMENT, [])
    assert found is not None
    assert (found.native_frames, found.problematic_frame, found.library_path) == ((), None, None)


def test_a_signal_that_was_sent() -> None:
    found = parse_held_crash("signal: SIGSEGV\nthread: 42\nsent: yes\n", [HELD])
    assert found is not None
    assert (found.sent, found.address) == (True, None)
    for text in ("signal: SIGSEGV\nthread: 42\nsent: no\n", DOCUMENT):
        fault = parse_held_crash(text, [HELD])
        assert fault is not None
        assert not fault.sent


ALTERNATE: Final = 0x7F0000900000
ON_STACK: Final = 0x7F0000700000


def handlers_stack(
    code: int, address: int, *, low: int = ALTERNATE, before: bytes = b"", number: int = signal.SIGSEGV
) -> bytes:
    """Return what x86-64's kernel writes for a handler on an alternate stack: ucontext, then siginfo."""
    ucontext = struct.pack("<QQQQQ", 7, 0, low, 0, 0x80000) + struct.pack("<23Q", *([0] * 15), ON_STACK, *range(7))
    return before + ucontext.ljust(304, b"\0") + struct.pack("<iiiiQ", number, 0, code, 0, address) + bytes(2000)


@pytest.mark.parametrize(
    ("memory", "lines"),
    [
        (handlers_stack(1, 8), ["address: 0x8", "stack: 0x7f0000001000 0x7f0000801000"]),
        # The process id and the user's take the place of an address: by kill(), and by raise().
        (handlers_stack(0, 4711), ["sent: yes"]),
        (handlers_stack(-6, 4711), ["sent: yes"]),
        (handlers_stack(77, 8), []),
        # What only looks like a frame, as its alternate stack is elsewhere.
        (handlers_stack(1, 13, low=0), []),
        (handlers_stack(0, 4711, before=handlers_stack(1, 13, low=0)), ["sent: yes"]),
        (handlers_stack(1, 8)[:300], []),
    ],
)
def test_what_a_handlers_stack_shows(monkeypatch: pytest.MonkeyPatch, memory: bytes, lines: list[str]) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    mappings = [Mapping(0x7F0000001000, 0x7F0000801000, "rw-p", "")]
    assert signal_lines(memory, ALTERNATE, 11, mappings) == lines


@pytest.mark.parametrize("number", [signal.SIGFPE, signal.SIGILL])
def test_a_signal_of_arithmetic_or_code(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Its codes are more than those of a bad address, and its address is that of the instruction."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    mappings = [Mapping(0x7F0000001000, 0x7F0000801000, "rw-p", "")]
    told = {
        code: signal_lines(handlers_stack(code, 0x40, number=number), ALTERNATE, number, mappings)
        for code in (1, 8, 0, -6)
    }
    fault = ["address: 0x40", "stack: 0x7f0000001000 0x7f0000801000"]
    assert told == {1: fault, 8: fault, 0: ["sent: yes"], -6: ["sent: yes"]}


def test_of_an_abort_its_caller_matters() -> None:
    frames = (*HANDLERS, c("__pthread_kill_implementation"), c("raise"), c("abort"), c("give_up", "libx.so"), BODY)
    found = parse_held_crash("signal: SIGABRT\nthread: 42\n", [NativeThread(42, None, None, frames)])
    assert found is not None
    assert (found.signal, found.address, found.stack) == ("SIGABRT", None, None)
    assert [frame.function for frame in found.native_frames] == ["give_up"]


def test_a_fault_in_the_handler_of_an_abort_is_an_abort() -> None:
    frames = (*HANDLERS, c("raise"), c("abort"), c("__libc_message"))
    found = parse_held_crash(DOCUMENT, [NativeThread(42, None, None, frames)])
    assert found is not None
    assert (found.signal, found.address, found.problematic_frame) == ("SIGABRT", None, "C  [libc.so.6]  __libc_message")


def test_a_signal_that_the_test_raised_is_its_own() -> None:
    frames = (*HANDLERS, c("raise"), c("call_abort", "libx.so"), c("abort"))
    found = parse_held_crash("signal: SIGSEGV\nthread: 42\n", [NativeThread(42, None, None, frames)])
    assert found is not None
    assert found.signal == "SIGSEGV"


@pytest.mark.parametrize(
    "text", ["", "signal: SIGSEGV\n", "thread: 1\n", "signal: 11\nthread: 1\n", "signal: SIGSEGV\nthread: x\n"]
)
def test_what_is_no_such_document(text: str) -> None:
    assert parse_held_crash(text, []) is None


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_held_crash(text, [HELD])
    parse_held_crash(f"signal: SIGSEGV\nthread: 42\naddress: {text}\nstack: {text}\n", [HELD])


def test_only_handlers_of_a_crash_that_waits_are_two() -> None:
    in_handler = (c("strlen"), c("__restore_rt"), c("work"), c("__restore_rt"), c("main"))
    assert before_the_signal(in_handler) == in_handler[2:]
    assert before_the_signal((*HANDLERS, c("work"))) == (c("work"),)
    assert before_the_signal((c("work"), BODY)) == (c("work"), BODY)
    assert before_the_signal(()) == ()


def test_the_stack_ends_where_its_thread_is_described() -> None:
    python = (
        "Fatal Python error: Segmentation fault\n\n"
        "Current thread 0x00007f00006fe6c0 (most recent call first):\n"
        '  File "test_it.py", line 3 in test_it\n\n'
        "Thread 0x00007f00007fe6c0 (most recent call first):\n"
        '  File "test_it.py", line 9 in other\n'
    )
    evidence = read_evidence({"python": python, "held_crash": DOCUMENT}, {}, {})
    assert evidence.fatal_error is not None
    assert evidence.fatal_error.stack == (0x7F0000001000, 0x7F00006FE6C0)
    assert [thread.current for thread in evidence.threads] == [True, False]


def test_no_other_signal_wakes_a_thread_that_waits() -> None:
    mask = held_mask()
    assert not any(mask >> (number - 1) & 1 for number in HELD_SIGNALS)
    assert mask >> (14 - 1) & 1
    assert mask >> (64 - 1) & 1
