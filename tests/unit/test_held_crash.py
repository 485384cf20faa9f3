"""The kernel's document of a crash that waited, and the frames of the handlers in which it waited."""

from __future__ import annotations

import signal
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_foreignthread.evidence.held_crash_document import parse_held_crash, with_crashing_code
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
code: 0x7f1000001234
code file: 0x1234 /opt/lib/libz.so.1.2.13
code function: 0x34b crc32_z
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


def test_threads_that_crashed_as_well() -> None:
    found = parse_held_crash(DOCUMENT.replace("\naddress", "\nalso: 43\nalso: x\nalso: 44\naddress"), [HELD])
    assert found is not None
    assert found.also == (43, 44)


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


PYTHONS: Final = (
    "code file: 0x1234 /opt/lib/libz.so.1.2.13\ncode function: 0x34b crc32_z",
    "code file: 0x9f0 /usr/lib/libpython3.11.so.1.0\ncode function: 0x21 _PyEvalFramePushAndInit",
)
HIDDEN: Final = NativeFrame("libpython3.11.so.1.0", "_PyEvalFramePushAndInit", "+0x21")


@pytest.mark.parametrize(
    ("old", "new", "frame", "line", "path"),
    [
        (
            *PYTHONS,
            HIDDEN,
            "C  [libpython3.11.so.1.0]  _PyEvalFramePushAndInit+0x21",
            "/usr/lib/libpython3.11.so.1.0",
        ),
        # The file is stripped; the code is of no file, as after a jump to a bad pointer; what there is is torn.
        (
            "\ncode function: 0x34b crc32_z",
            "\ncode file: odd",
            None,
            "C  [libz.so.1.2.13]  crc32_z",
            "/opt/lib/libz.so.1.2.13",
        ),
        (
            PYTHONS[0],
            "code file: 0x9f0 /usr/bin/python3.11",
            NativeFrame("python3.11", None, "+0x9f0"),
            "C  [python3.11+0x9f0]",
            "/usr/bin/python3.11",
        ),
        (PYTHONS[0], "", NativeFrame(None, None, "0x7f1000001234"), "C  0x7f1000001234", None),
        (PYTHONS[0], "code file: odd", NativeFrame(None, None, "0x7f1000001234"), "C  0x7f1000001234", None),
    ],
)
def test_the_code_that_met_the_fault(
    old: str, new: str, frame: NativeFrame | None, line: str, path: str | None
) -> None:
    """pystack hides frames of CPython, so the newest that it prints may be of the code that called Python."""
    text = DOCUMENT.replace(old, new)
    (thread,) = native = with_crashing_code(text, [HELD])
    of_pystack = HELD.frames[len(HANDLERS) :]
    assert thread.frames == (*HANDLERS, *([] if frame is None else [frame]), *of_pystack)
    found = parse_held_crash(text, native)
    assert found is not None
    assert (found.problematic_frame, found.library_path) == (line, path)
    assert found.native_frames == tuple(before_the_signal(thread.frames)[:-1])
    (joined,) = read_evidence({"held_crash": text, "native": dumped(HELD)}, {}, {}).threads
    assert joined.frames == (*([] if frame is None else [frame]), *of_pystack)


def dumped(thread: NativeThread) -> str:
    """Return what pystack prints of a thread."""
    lines = [
        f'    (Python) File "{frame.file}", line {frame.line}, in {frame.function}'
        if isinstance(frame, PythonFrame)
        else f'    (C) File "???", line 0, in {frame.function} (/usr/lib/{frame.library})'
        for frame in reversed(thread.frames)
    ]
    return "\n".join([f"Traceback for thread {thread.native_id} (x) [] (most recent call last):", *lines, ""])


def test_in_the_loop_of_the_interpreter_the_newest_frame_is_python() -> None:
    held = NativeThread(42, None, None, (*HANDLERS, BODY, c("ffi_call", "libffi.so.8")))
    text = DOCUMENT.replace(*PYTHONS)
    (thread,) = native = with_crashing_code(text, [held])
    assert thread.frames == (*HANDLERS, HIDDEN, BODY, c("ffi_call", "libffi.so.8"))
    found = parse_held_crash(text, native)
    assert found is not None
    assert found.native_frames == (HIDDEN,)


def test_without_the_program_counter_no_frame_is_that_of_the_crash() -> None:
    text = DOCUMENT.replace("code: 0x7f1000001234\n", "")
    assert with_crashing_code(text, [HELD]) == (HELD,)
    found = parse_held_crash(text, [HELD])
    assert found is not None
    assert (found.native_frames, found.problematic_frame, found.library_path) == ((), None, None)


def test_the_kernel_names_no_address() -> None:
    """Its registers then tell by which pointer the thread crashed."""
    text = DOCUMENT.replace("address: 0x7f0000000ff8\n", "address: 0x0\nregisters: 0xdddddddddddddddd 0x1 odd 0x2\n")
    found = parse_held_crash(text, [HELD])
    assert found is not None
    assert (found.address, found.registers) == (None, (0xDDDDDDDDDDDDDDDD, 1, 2))
    many = parse_held_crash(text.replace("odd", "0x3 " * 10_000), [HELD])
    assert many is not None
    assert len(many.registers) == 32


def test_without_pystack_there_is_one_frame() -> None:
    found = parse_held_crash(DOCUMENT, with_crashing_code(DOCUMENT, []))
    assert found is not None
    assert found.native_frames == (NativeFrame("libz.so.1.2.13", "crc32_z", "+0x34b"),)
    assert found.problematic_frame == "C  [libz.so.1.2.13]  crc32_z+0x34b"
    assert found.library_path == "/opt/lib/libz.so.1.2.13"


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
CODE: Final = 0x7F1000001234
STACK: Final = Mapping(0x7F0000001000, 0x7F0000801000, "rw-p", "")


def handlers_stack(
    code: int,
    address: int,
    *,
    low: int = ALTERNATE,
    before: bytes = b"",
    number: int = signal.SIGSEGV,
    pointer: int = ON_STACK,
) -> bytes:
    """Return what x86-64's kernel writes for a handler on an alternate stack: ucontext, then siginfo."""
    ucontext = struct.pack("<QQQQQ", 7, 0, low, 0, 0x80000) + struct.pack("<23Q", *([0] * 15), pointer, CODE, *range(6))
    return before + ucontext.ljust(304, b"\0") + struct.pack("<iiiiQ", number, 0, code, 0, address) + bytes(2000)


FAULT: Final = ["address: 0x8", "stack: 0x7f0000001000 0x7f0000801000", "code: 0x7f1000001234"]


@pytest.mark.parametrize(
    ("memory", "lines"),
    [
        (handlers_stack(1, 8), FAULT),
        # The process id and the user's take the place of an address: by kill(), and by raise().
        (handlers_stack(0, 4711), ["sent: yes"]),
        (handlers_stack(-6, 4711), ["sent: yes"]),
        # faulthandler has raised the signal again, of a fault, and of a signal that was raised before.
        (handlers_stack(-6, 4711) + handlers_stack(1, 8), FAULT),
        (handlers_stack(-6, 4711) + handlers_stack(-6, 4711) + handlers_stack(1, 13), ["sent: yes"]),
        (handlers_stack(0, 4711) + handlers_stack(1, 13), ["sent: yes"]),
        (handlers_stack(77, 8), []),
        # What only looks like a frame, as its alternate stack is elsewhere.
        (handlers_stack(1, 13, low=0), []),
        (handlers_stack(0, 4711, before=handlers_stack(1, 13, low=0)), ["sent: yes"]),
        (handlers_stack(1, 8)[:300], []),
        # The memory ends with what looks like the start of a frame.
        (handlers_stack(1, 8) + struct.pack("<ii", signal.SIGSEGV, 0), FAULT),
    ],
)
def test_what_a_handlers_stack_shows(monkeypatch: pytest.MonkeyPatch, memory: bytes, lines: list[str]) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert signal_lines(memory, ALTERNATE, 11, [STACK]) == lines


def test_a_fault_of_a_handler_is_not_that_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """faulthandler reads the frames of threads that run, and may crash there."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    alternate = Mapping(ALTERNATE, ALTERNATE + 0x80000, "rw-p", "")
    memory = handlers_stack(1, 13, pointer=ALTERNATE + 1000) + handlers_stack(1, 8)
    assert signal_lines(memory, ALTERNATE, 11, [STACK, alternate]) == FAULT
    older = handlers_stack(1, 8) + handlers_stack(1, 13)
    assert signal_lines(older, ALTERNATE, 11, [STACK, alternate]) == FAULT
    sent = handlers_stack(1, 13, pointer=ALTERNATE + 1000) + handlers_stack(0, 4711)
    assert signal_lines(sent, ALTERNATE, 11, [STACK, alternate]) == ["sent: yes"]


@pytest.mark.parametrize(
    ("mappings", "told"),
    [
        ([(0, 0x1000, "r--p", 0), (0x1000, 0x9000, "r-xp", 0x1000)], "code file: 0x1234 /lib/none.so"),
        # The file is mapped a second time; and only in part.
        ([(-0x100000, 0, "r--p", 0), (0, 0x9000, "r-xp", 0)], "code file: 0x1234 /lib/none.so"),
        ([(0x1000, 0x9000, "r-xp", 0x1000)], None),
        # A jump into data.
        ([(0, 0x9000, "rw-p", 0)], None),
        ([(0x2000, 0x9000, "r-xp", 0)], None),
    ],
)
def test_the_file_of_the_code(
    monkeypatch: pytest.MonkeyPatch, mappings: list[tuple[int, int, str, int]], told: str | None
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    base = CODE - 0x1234
    files = [Mapping(base + low, base + high, rights, "/lib/none.so", at) for low, high, rights, at in mappings]
    lines = signal_lines(handlers_stack(1, 8), ALTERNATE, 11, [STACK, *files])
    assert lines[2:] == ["code: 0x7f1000001234", *([] if told is None else [told])]


@pytest.mark.parametrize("number", [signal.SIGFPE, signal.SIGILL])
def test_a_signal_of_arithmetic_or_code(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Its codes are more than those of a bad address, and its address is that of the instruction."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    told = {
        code: signal_lines(handlers_stack(code, 0x40, number=number), ALTERNATE, number, [STACK])
        for code in (1, 8, 0, -6)
    }
    fault = ["address: 0x40", "stack: 0x7f0000001000 0x7f0000801000", "code: 0x7f1000001234"]
    assert told == {1: fault, 8: fault, 0: ["sent: yes"], -6: ["sent: yes"]}


def test_of_an_abort_its_caller_matters() -> None:
    frames = (*HANDLERS, c("__pthread_kill_implementation"), c("raise"), c("abort"), c("give_up", "libx.so"), BODY)
    found = parse_held_crash("signal: SIGABRT\nthread: 42\n", [NativeThread(42, None, None, frames)])
    assert found is not None
    assert (found.signal, found.address, found.stack) == ("SIGABRT", None, None)
    assert [frame.function for frame in found.native_frames] == ["give_up"]


def test_a_fault_in_the_handler_of_an_abort_is_an_abort() -> None:
    frames = (*HANDLERS, c("raise"), c("abort"), c("__libc_message"))
    native = with_crashing_code(DOCUMENT, [NativeThread(42, None, None, frames)])
    assert native[0].frames == frames
    found = parse_held_crash(DOCUMENT, native)
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
    parse_held_crash(text, with_crashing_code(text, [HELD]))
    parse_held_crash(f"signal: SIGSEGV\nthread: 42\naddress: {text}\nstack: {text}\n", [HELD])
    odd = f"signal: SIGSEGV\nthread: 42\ncode: 0x1\ncode file: {text}\ncode function: {text}\n"
    parse_held_crash(odd, with_crashing_code(odd, [HELD]))


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
