"""Threads as lines of text: the name of each, what it waits for, and its stack."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from ..model.outcomes import Outcome, Phase
from ..model.records import RunRecord
from ..model.roles import awaits_the_body, is_idle, is_service
from ..model.stacks import Gil, Thread
from ..model.wording import motion_words, titled, wait_words
from .frame_text import frame_lines


def thread_lines(record: RunRecord, *, width: int, brief: bool = False, whole: bool = False) -> Iterator[str]:
    """Yield the lines of all threads, beginning with the one that the record is about. Idle threads are only counted.

    `brief` shows only the thread that the record is about; `whole` folds nothing. `width` is that of a thread's first
    lines, in columns: a frame is never broken.
    """
    threads = record.evidence.threads
    shown = [thread for thread in threads if whole or thread.current or not is_idle(thread) or _keeps(thread, record)]
    if brief:
        shown = [thread for thread in shown if thread.current] or shown[:1]
    for thread in shown:
        yield from _title(thread, record, width)
        if awaits_the_body(thread) and not whole:
            continue
        if thread.apart is not None:
            yield from _wrapped(f"  (not in one order: {thread.apart})", width)
        for stack in thread.stacks:
            yield from frame_lines(stack, whole=whole)
    if folded := len(threads) - len(shown):
        kind = "more" if brief else "idle"
        yield f"(and {folded} {kind} {'thread' if folded == 1 else 'threads'})"


def _keeps(thread: Thread, record: RunRecord) -> bool:
    """Return whether the end of the process waits for the thread, idle or not."""
    return record.phase is Phase.EXIT and thread.daemon is False and not is_service(thread)


def _title(thread: Thread, record: RunRecord, width: int) -> Iterator[str]:
    state = [words for words in (_mark(thread, record), *_state(thread, record.evidence.threads)) if words]
    title = f"thread {titled(thread)}" + (f": {'; '.join(state)}" if state else "")
    yield from _wrapped(title, width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _mark(thread: Thread, record: RunRecord) -> str:
    if not thread.current:
        return "crashed as well" if thread.also_crashed else ""
    return {Outcome.HANG: "", Outcome.SEGFAULT: "crashed", Outcome.CRASH: "ended the process"}.get(record.outcome, "")


def _state(thread: Thread, threads: Sequence[Thread]) -> Iterator[str]:
    if thread.gil is Gil.HOLDS:
        yield "holds the GIL"
    if awaits_the_body(thread):
        yield "waits for the test's body"
        return
    yield from (f"waits for {wait_words(wait, threads)}" for wait in thread.waits)
    if thread.java_state is not None and not thread.waits and not thread.java_state.startswith("_thread"):
        yield thread.java_state
    # The motion of the current thread is shown below the headline.
    if thread.motion is not None and not thread.current:
        yield motion_words(thread)
