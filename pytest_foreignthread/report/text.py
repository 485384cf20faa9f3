"""The failure text of a test, and its line in the short summary, made from the test's record."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, NoReturn

from ..model.outcomes import Outcome
from ..model.records import RunRecord
from ..model.stacks import FatalError
from ..model.wording import motion_words
from .cause import SENT, address_words, end, fatal_words, fault_words, no_end, on_thread, place, seconds
from .command_line import shell_word
from .next_steps import next_steps
from .second_run_lines import control_line, own_child_line
from .stack_text import thread_lines

PAGES: Final = "https://pytest-foreignthread.readthedocs.io/en/latest/diagnoses/"
"""The address below which each diagnosis has its page."""


@dataclass(frozen=True)
class Layout:
    """How much of a record is shown, and how wide."""

    width: int = 80
    """Columns of prose. Frames, paths and the command are never broken: they must stay fit to be copied."""
    brief: bool = False
    """Whether only the thread that the record is about is shown."""
    whole: bool = False
    """Whether nothing is folded."""


def render(record: RunRecord, layout: Layout | None = None) -> str:
    """Return the text of an abnormal outcome, with the lines of `tail` at its end.

    The text of a null result has no stacks, because pytest shows its traceback.
    """
    layout = layout or Layout()
    lines = [*_prose([_headline(record)], layout.width), *_at(record), *_facts(record, layout.width)]
    lines += diagnosis_lines(record, layout.width)
    if record.outcome is not Outcome.NULL_RESULT:
        lines += [line for text in record.uncaught for line in text.splitlines()]
        lines += thread_lines(record, width=layout.width, brief=layout.brief, whole=layout.whole)
        missing = (f"not available: {name}: {why}" for name, why in record.evidence.missing.items())
        lines += _prose(missing, layout.width)
    lines += _alone(record, layout.width)
    lines += _prose((f"note: {note}" for note in record.notes), layout.width)
    return "\n".join([*lines, *tail(record)])


def tail(record: RunRecord) -> list[str]:
    """Return the last lines of a text: where the documents are, and the command that runs only this test again."""
    lines = _artifacts(record.artifacts)
    if record.outcome is not Outcome.NULL_RESULT:
        lines.append(_rerun(record))
    return lines


def own_child_lines(record: RunRecord, width: int = 80) -> list[str]:
    """Return how the test ended in a child of its own, and the command that shows the failure again."""
    return [*_alone(record, width), _rerun(record)]


def _alone(record: RunRecord, width: int) -> list[str]:
    own = None if record.alone is None else own_child_line(record.outcome, record.alone)
    return list(_prose(filter(None, [own, control_line(record.control_alone)]), width))


def rerun_lines(arguments: Sequence[str]) -> list[str]:
    """Return the command that runs these arguments of pytest; no line if there are none."""
    return [f"repeat: pytest {' '.join(map(_quoted, arguments))}"] if arguments else []


def _rerun(record: RunRecord) -> str:
    return f"rerun: pytest {' '.join(map(_quoted, record.rerun_arguments))}"


def diagnosis_lines(record: RunRecord, width: int = 80) -> list[str]:
    """Return the cause, its proofs and what to do about it. Without a diagnosis, return what the user can try."""
    found = record.diagnosis
    if found is None:
        return list(_without_a_diagnosis(record, width)) if record.outcome.abnormal else []
    return [
        *_prose([f"diagnosis: {found.code}: {found.text}"], width),
        *(line for words in found.evidence for line in _prose([words], width, "  - ")),
        *_prose([f"help: {found.help}"], width, "  "),
        f"  more: pytest --foreign-thread-explain={found.code}",
    ]


def _without_a_diagnosis(record: RunRecord, width: int) -> Iterator[str]:
    yield from _prose(["diagnosis: none: what was found proves no known cause"], width)
    for step in next_steps(record):
        yield from _prose([f"try {step}"], width, "  - ")
    yield "  more: pytest --foreign-thread-explain=none"


def summary(record: RunRecord) -> str:
    """Return one line for pytest's short test summary: the diagnosis, the user's line, and the cause."""
    code = "" if record.diagnosis is None else f"{record.diagnosis.code}: "
    at = "" if record.at is None else f"{record.at.file}:{record.at.line}: "
    return f"{code}{at}{_cause(record)}"


def _cause(record: RunRecord) -> str:
    where = f"in {record.phase.value}"
    match record.outcome:
        case Outcome.SEGFAULT:
            text = f"{record.signal or 'segfault'} in {place(record)}{fault_words(record)}{on_thread(record)}"
        case Outcome.HANG:
            text = record.message or f"{no_end(record)} {where}"
        case Outcome.NULL_RESULT:
            text = record.message or f"{record.outcome.value} {where}"
        case Outcome.CRASH:
            fatal = record.evidence.fatal_error
            why = [SENT] if fatal is not None and fatal.sent else fatal_words(record)
            text = ": ".join([f"{end(record)} {where}", *why])
        case Outcome.PASSED | Outcome.FAILED | Outcome.ERROR | Outcome.SKIPPED | Outcome.XFAILED | Outcome.XPASSED:
            text = record.message or record.outcome.value
        case _:
            _never(record.outcome)
    return " ".join(text.split())


def _never(outcome: NoReturn) -> NoReturn:
    raise AssertionError(f"an outcome without a text: {outcome}")


def _headline(record: RunRecord) -> str:
    start = f"{record.outcome.value}{on_thread(record)} in {record.phase.value}"
    if record.outcome is Outcome.HANG:
        return f"{start}: {record.message or no_end(record)}"
    cause = f": {end(record)}" if record.outcome is Outcome.CRASH else ""
    return f"{start}{cause}, after {seconds(record.duration)}"


def _at(record: RunRecord) -> list[str]:
    """Return the line of the user's own code. It is not wrapped: the path and the source must stay whole."""
    at = record.at
    return [] if at is None else [f"at: {at.file}:{at.line}: {at.source}".removesuffix(": ")]


def _facts(record: RunRecord, width: int) -> Iterator[str]:
    """Yield what adds to the headline. That is nothing for a null result, whose traceback has the message."""
    fatal = record.evidence.fatal_error
    match record.outcome:
        case Outcome.HANG:
            yield from _prose(_moves(record), width)
        case Outcome.NULL_RESULT:
            return
        case _ if fatal is not None:
            # Python prints why it calls abort(); the signal alone would not say that.
            ended = fatal.held and fatal.signal == "SIGABRT"
            yield from _prose(fatal_words(record) if ended else [fault_line(fatal)], width)
            if fatal.problematic_frame is not None:
                yield f"problematic frame: {fatal.problematic_frame}"
        case Outcome.CRASH:
            # The headline has the end of the process already; only the text of the fatal error is added.
            yield from _prose(fatal_words(record), width)
        case _:
            words = [record.message or record.signal or "", *fatal_words(record)]
            yield from _prose([": ".join(filter(None, words))], width)


def _moves(record: RunRecord) -> list[str]:
    thread = record.evidence.current_thread
    if thread is None or thread.motion is None:
        return []
    looks = record.evidence.looks
    return [f"it {motion_words(thread)} ({looks} {'look' if looks == 1 else 'looks'} at its stack)"]


def fault_line(fatal: FatalError) -> str:
    """Return the signal and the address of a fault, and the address's meaning. Without a signal: HotSpot's message."""
    address = address_words(fatal)
    if fatal.sent:
        return f"{fatal.signal}, {SENT}"
    return fatal.message if fatal.signal is None else f"{fatal.signal} at {address}" if address else fatal.signal


def _prose(paragraphs: Iterable[str], width: int, start: str = "") -> Iterator[str]:
    for paragraph in paragraphs:
        yield from textwrap.wrap(
            paragraph,
            width,
            initial_indent=start,
            subsequent_indent=" " * max(2, len(start)),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _artifacts(artifacts: dict[str, str]) -> list[str]:
    folders = {str(PurePath(path).parent) for path in artifacts.values()}
    if len(folders) == 1:
        return [f"documents in {folders.pop()}"]
    return [f"document: {path}" for path in artifacts.values()]


def _quoted(nodeid: str) -> str:
    quoted = shell_word(nodeid)
    return quoted if quoted != nodeid or nodeid.startswith("-") else f"'{nodeid}'"
