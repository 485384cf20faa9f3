"""A record as the failure text of its test, and as one line for the short summary."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import PurePath
from typing import NoReturn

from ..outcomes import Outcome
from ..records import RunRecord
from ..stacks import FatalError
from . import crashing
from .stack_text import java_stack, java_stacks, native_stack, python_stacks

# HotSpot's notations: `C  [libc.so.6+0x1]  memcpy+0x2`, `j  a.B.c()V+0`, `J 7 c2 a.B.c()V (9 bytes) @ 0x1`.
_NATIVE = re.compile(r"[CVv]\s+\[([^\]]+)\]\s*(.*?)(?:\+0x[0-9a-f]+)?")
_JAVA = re.compile(r"(?:j|J\s+\d+%?(?:\s+c\d)?)\s+([^(\s]+)\(.*")


def render(record: RunRecord, *, width: int = 80) -> str:
    """Text on an abnormal outcome; of a null result only the head, its traceback being pytest's.

    `width` (columns) holds for prose; paths, frames and the command are never broken.
    """
    lines = [_headline(record), *_facts(record)]
    if record.outcome is not Outcome.NULL_RESULT:
        lines += _stacks(record)
        lines += _prose((f"not available: {name}: {why}" for name, why in record.evidence.missing.items()), width)
    lines += _artifacts(record.artifacts)
    lines += _prose((f"note: {note}" for note in record.notes), width)
    if record.outcome is not Outcome.NULL_RESULT:
        lines.append(f"rerun: pytest {_quoted(record.rerun or record.nodeid)}")
    return "\n".join(lines)


def summary(record: RunRecord) -> str:
    """One line on the cause, for pytest's short test summary."""
    where = f"in {record.phase.value}"
    match record.outcome:
        case Outcome.SEGFAULT:
            text = f"{record.signal or 'segfault'} in {_place(record)}{_on_thread(record)}"
        case Outcome.HANG:
            text = record.message or f"{_no_end(record)} {where}"
        case Outcome.NULL_RESULT:
            text = record.message or f"{record.outcome.value} {where}"
        case Outcome.CRASH:
            text = ": ".join([f"{_end(record)} {where}", *_fatal_words(record)])
        case Outcome.PASSED | Outcome.FAILED | Outcome.ERROR | Outcome.SKIPPED | Outcome.XFAILED | Outcome.XPASSED:
            text = record.message or record.outcome.value
        case _:
            _never(record.outcome)
    return " ".join(text.split())


def _never(outcome: NoReturn) -> NoReturn:
    raise AssertionError(f"an outcome without a text: {outcome}")


def _headline(record: RunRecord) -> str:
    start = f"{record.outcome.value}{_on_thread(record)} in {record.phase.value}"
    if record.outcome is Outcome.HANG:
        return f"{start}: {record.message or _no_end(record)}"
    cause = f": {_end(record)}" if record.outcome is Outcome.CRASH else ""
    return f"{start}{cause}, after {_seconds(record.duration)}"


def _facts(record: RunRecord) -> list[str]:
    if record.evidence.fatal_error is not None:
        return [_fatal_line(record.evidence.fatal_error)]
    # What the message says of a crash stands in the headline, and the rest of it is the fatal error's words.
    told = record.outcome in (Outcome.HANG, Outcome.CRASH)
    words = [*([] if told else [record.message or record.signal or ""]), *_fatal_words(record)]
    line = ": ".join(word for word in words if word)
    return [line] if line else []


def _fatal_line(fatal: FatalError) -> str:
    address = "" if fatal.address is None else f" at address {fatal.address}"
    head = fatal.message if fatal.signal is None else f"{fatal.signal}{address}"
    return head if fatal.problematic_frame is None else f"{head}, problematic frame: {fatal.problematic_frame}"


def _fatal_words(record: RunRecord) -> list[str]:
    fatal = record.evidence.fatal_error
    if fatal is not None:
        # HotSpot's abort makes Python's own line read "Aborted", whatever happened.
        return [fatal.message] if fatal.signal is None else []
    return [record.evidence.fatal_python_error] if record.evidence.fatal_python_error else []


def _stacks(record: RunRecord) -> Iterator[str]:
    evidence = record.evidence
    hung = record.outcome is Outcome.HANG
    crashed = crashing.java_thread(evidence)
    if evidence.python_threads:
        yield "Python stacks (faulthandler): most recent call first"
        yield from python_stacks(evidence.python_threads, crashed=not hung)
    if frames := crashing.native_frames(evidence):
        yield "Native frames:"
        yield from native_stack(frames)
    if hung and evidence.java_threads:
        yield "Java threads:"
        yield from java_stacks(evidence.java_threads)
    elif crashed is not None and crashed.frames:
        yield f'Java frames of "{crashed.name}":'
        yield from java_stack(crashed.frames)


def _prose(paragraphs: Iterator[str], width: int) -> Iterator[str]:
    for paragraph in paragraphs:
        yield from textwrap.wrap(
            paragraph, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )


def _artifacts(artifacts: dict[str, str]) -> list[str]:
    folders = {str(PurePath(path).parent) for path in artifacts.values()}
    if len(folders) == 1:
        return [f"documents in {folders.pop()}: {', '.join(PurePath(path).name for path in artifacts.values())}"]
    return [f"document: {path}" for path in artifacts.values()]


def _on_thread(record: RunRecord) -> str:
    # A hang has no crashed thread; the stacks of a null result are taken on the main thread, wherever it arose.
    if record.outcome in (Outcome.HANG, Outcome.NULL_RESULT):
        return ""
    java = crashing.java_thread(record.evidence)
    if java is not None:
        return f' on Java thread "{java.name}"'
    python = crashing.python_thread(record.evidence)
    return "" if python is None or python.name is None else f' on Python thread "{python.name}"'


def _place(record: RunRecord) -> str:
    fatal = record.evidence.fatal_error
    if fatal is not None and fatal.problematic_frame is not None:
        return _function(fatal.problematic_frame)
    thread = crashing.python_thread(record.evidence)
    if thread is not None and thread.frames:
        return f"{thread.frames[0].function} ({PurePath(thread.frames[0].file).name}:{thread.frames[0].line})"
    return record.phase.value


def _function(problematic_frame: str) -> str:
    if native := _NATIVE.fullmatch(problematic_frame):
        return native[2] or native[1]
    java = _JAVA.fullmatch(problematic_frame)
    return problematic_frame if java is None else java[1]


def _end(record: RunRecord) -> str:
    if record.signal is not None:
        return f"killed by {record.signal}"
    if record.exit_code is not None:
        return f"exited with status {record.exit_code}"
    return record.message or "its end was not seen"


def _no_end(record: RunRecord) -> str:
    return f"no end after {_seconds(record.duration)}"


def _seconds(duration: float) -> str:
    return f"{duration:.2f}".rstrip("0").rstrip(".") + " s"


def _quoted(nodeid: str) -> str:
    quoted = shlex.quote(nodeid)
    return quoted if quoted != nodeid else f"'{nodeid}'"
