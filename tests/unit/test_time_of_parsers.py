"""The parsers of a child's documents take time in proportion to the text: a test writes what they read.

The processor time of two sizes is compared, so no speed of a machine is measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

import pytest

from pytest_foreignthread.diagnosis import memory
from pytest_foreignthread.evidence.hs_err import parse_fatal_error
from pytest_foreignthread.evidence.java_dump import parse_deadlocks, parse_thread_dump
from pytest_foreignthread.evidence.jni_checks import parse_jni_checks
from pytest_foreignthread.evidence.memory_block import parse_memory_block
from pytest_foreignthread.evidence.native_dump import parse_native_dump
from pytest_foreignthread.evidence.python_dump import parse_python_dump, without_stacks
from pytest_foreignthread.evidence.waits import _LOCK
from pytest_foreignthread.model.documents import HS_ERR
from pytest_foreignthread.report.kept.document_redaction import without_secrets
from pytest_foreignthread.report.kept.redaction import has_secret, jvm_text_without_secrets

_LEAST: Final = 0.004
"""Seconds of the smaller text, below which a clock tells little; the text grows until it takes so long."""
_LARGEST: Final = 1_000_000
_HEAD: Final = "# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb)\n\n"
_BLOCK: Final = '"a":\n  waiting for ownable synchronizer 0x1, a \n'


_LINE_END: Final = "\n"


def _documents_without_secrets(text: str) -> object:
    return without_secrets({HS_ERR: text})


def _native_frames(line: str) -> str:
    return f"{_HEAD}\nNative frames:\n{line}\n\n"


def _java_thread(line: str) -> str:
    return f'"t" #1 prio=5 tid=0x1 nid=1\n{line}\n'


def _native_thread(line: str) -> str:
    return f"Traceback for thread 1 (t) [] (most recent call last):\n{line}\n"


def _block(text: str) -> str:
    return f"Debug memory block at address p=0x1: API 'm'\n    1 bytes originally requested\n{text}"


CASES: Final[dict[str, tuple[Callable[[str], object], Callable[[int], str]]]] = {
    "python: stacks": (
        lambda text: without_stacks(text, {1}),
        lambda n: "Fatal Python error: x\n" + "Thread 0x1 (most recent call first):\n" * n,
    ),
    "fatal error: frames": (
        lambda text: without_stacks(text, {1}),
        lambda n: "Fatal Python error: x\nThread 0x1 (most recent call first):\n" + "  File\n" * n,
    ),
    "hs_err: symbols": (parse_fatal_error, lambda n: _native_frames("C  [a+0x1]  f" + "+0x1 (" * n)),
    "hs_err: symbols with spaces": (parse_fatal_error, lambda n: _native_frames("C  [a+0x1]  f+0x1" + " " * n + "(x")),
    "hs_err: libraries": (parse_fatal_error, lambda n: _native_frames("C  [a" + "+0x1" * n)),
    "hs_err: offsets": (parse_fatal_error, lambda n: _native_frames("j  a(" + ")+1a" * n)),
    "hs_err: digits": (parse_fatal_error, lambda n: _native_frames("j  a()+" + "1" * n + "a")),
    "hs_err: compiled": (parse_fatal_error, lambda n: _native_frames("J 1 c2 a(" + "[0x1+0x1" * n)),
    "hs_err: spaces": (parse_fatal_error, lambda n: _native_frames("j" + " " * n)),
    "hs_err: threads": (parse_fatal_error, lambda n: f'{_HEAD}Current thread (0x1): A "' + '" [_thread_a' * n + "\n"),
    "jni: records": (parse_jni_checks, lambda n: "WARNING in native method: a\n\tat a.B.c(Native Method)\n" * n),
    "jni: words": (parse_jni_checks, lambda n: "WARNING in native method: " * n + "\n"),
    "jni: frames": (parse_jni_checks, lambda n: "WARNING in native method: a\n" + "\tat a(" * n + "\n"),
    "memory: lines": (parse_memory_block, lambda n: _block("        at tail+0: 0xdd\n" * n + "\n" * n)),
    "memory: empty lines": (parse_memory_block, lambda n: _block("\n" * n + "x")),
    "memory: heads": (parse_memory_block, lambda n: _block("") * n),
    "memory: places": (
        parse_memory_block,
        lambda n: _block('\nMemory block allocated at (most recent call first):\n  File "' + '", line ' * n),
    ),
    "native: headers": (parse_native_dump, lambda n: "Traceback for thread 1 (" + ") [" * n + "\n"),
    "native: functions": (parse_native_dump, lambda n: _native_thread('    (C) File "' + '", line 1, in ' * n)),
    "native: libraries": (parse_native_dump, lambda n: _native_thread('    (C) File "a", line 1, in ' + " (/" * n)),
    "native: inlined": (
        parse_native_dump,
        lambda n: _native_thread('    (C) File "a", line 1, in ' + " (inlined)" * n),
    ),
    "native: Python": (parse_native_dump, lambda n: _native_thread('    (Python) File "' + '", line 1, i' * n)),
    "java: headers": (parse_thread_dump, lambda n: '"' + '" tid=0x1' * n + "\n"),
    "java: frames": (parse_thread_dump, lambda n: _java_thread("  at a" + "(" * n)),
    "java: locks": (parse_thread_dump, lambda n: _java_thread(" " * n + "- a")),
    "java: deadlocks": (parse_deadlocks, lambda n: _BLOCK * n),
    "waits: spaces": (_LOCK.fullmatch, lambda n: "- a" + " " * n),
    "waits: words": (_LOCK.fullmatch, lambda n: "- a" + " in wait" * n),
    "waits: hyphens": (_LOCK.fullmatch, lambda n: "- a" + "-a" * n + "("),
    "python: frames": (parse_python_dump, lambda n: '  File "' + '", line 1 i' * n + "\n"),
    "redaction: arguments": (_documents_without_secrets, lambda n: f"{_HEAD}jvm_args: a{' ' * n}b"),
    "redaction: command line": (_documents_without_secrets, lambda n: f"{_HEAD}Command Line: a{_LINE_END * n}b"),
    "redaction: class path": (
        _documents_without_secrets,
        lambda n: f"{_HEAD}java_class_path (initial): a{' ' * n}b",
    ),
    "redaction: flags": (_documents_without_secrets, lambda n: f"{_HEAD}  a = b{' ' * n}b"),
    "redaction: variables": (
        _documents_without_secrets,
        lambda n: f"{_HEAD}Environment Variables:\nA=b{_LINE_END * n}b",
    ),
    "redaction: URLs": (has_secret, lambda n: "://" * n),
    "redaction: words": (jvm_text_without_secrets, lambda n: "a" * n),
    "memory: spaces": (memory._NOT_CAUGHT.search, lambda n: "Exception in VM " + " " * n + "x"),
}


def _seconds(parse: Callable[[str], object], text: str) -> float:
    # The collector's time grows with all objects of the process, and not with the text only. To collect them here first
    # would take a third of a second for each of many texts.
    gc.disable()
    try:
        began = time.process_time()
        parse(text)
        return time.process_time() - began
    finally:
        gc.enable()


@pytest.mark.parametrize(("parse", "text"), CASES.values(), ids=CASES)
def test_four_times_the_text_takes_less_than_twelve_times_as_long(
    parse: Callable[[str], object], text: Callable[[int], str]
) -> None:
    size = 500
    while (small := _seconds(parse, text(size))) < _LEAST and size < _LARGEST:
        size *= 2
    # In proportion it is 4, by the square 16. On a busy machine one run may take twice the time of another.
    small = max(small, _seconds(parse, text(size)), _LEAST)
    assert min(_seconds(parse, text(size * 4)) for _ in range(5)) < 12 * small
