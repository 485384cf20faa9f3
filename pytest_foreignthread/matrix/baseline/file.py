"""The file of known outcomes: one line for each test, sorted, so that diffs are small and branches merge.

    tests/test_a.py::test_x[1] | new=segfault, pool=hang/passed | why it is so | link=https://… | until=2027-01-31

Outcomes with a slash between them are all known. A field that could be misread is written as a JSON string. Lines that
start with `#` belong to the test below them; those above the first test stay at the top.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from ...model.outcomes import Outcome
from .known import Baseline, Known, outcomes_of, words_of

_FORM: Final = "expected `test | mode=outcome | reason`, then `| link=…` and `| until=YYYY-MM-DD` where they help"
_MODE: Final = re.compile(r'[^\s=,|"]+')
_SEPARATOR: Final = " | "


class BaselineError(Exception):
    """The file of known outcomes cannot be read or parsed; the text names the file and the line, and what to do."""


def read(path: Path) -> Baseline:
    """Return the baseline in a file; raise BaselineError if there is no file, or if it cannot be parsed."""
    # utf-8-sig: editors on Windows put a byte order mark first, which would be part of the first test's name.
    try:
        return parse(path.read_text(encoding="utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    except FileNotFoundError:
        raise BaselineError(f"no baseline at {path}: --foreign-thread-update-baseline writes a new one") from None
    except OSError as error:
        raise BaselineError(f"the baseline {path} cannot be read: {error.strerror or error}") from None


def parse(text: str, name: str) -> Baseline:
    """Return the baseline in the text of the file `name`; raise BaselineError for the first line that is wrong."""
    tests: dict[str, Known] = {}
    header: tuple[str, ...] = ()
    comments: list[str] = []
    # Not splitlines(), which also splits at characters such as U+2028, and then counts lines unlike an editor.
    for number, line in enumerate(map(str.strip, text.split("\n")), 1):
        if not line or line.startswith("#"):
            comments += [line] if line else []
            continue
        if not tests:
            header, comments = tuple(comments), []
        try:
            known = _known(list(_fields(line)), tuple(comments), number)
            if known.test in tests:
                raise ValueError(f"the test of line {tests[known.test].line} again: make one line of the two")
        except ValueError as error:
            raise BaselineError(f"{name}:{number}: {error}") from None
        tests[known.test], comments = known, []
    return Baseline(tests, header, tuple(comments)) if tests else Baseline(tests, tuple(comments))


def render(baseline: Baseline) -> str:
    """Return the text of the file, with tests and their modes sorted."""
    lines = list(baseline.header)
    for _, known in sorted(baseline.tests.items()):
        lines += [*known.comments, _SEPARATOR.join(_written(known))]
    return "".join(f"{line}\n" for line in [*lines, *baseline.footer])


def _fields(line: str) -> Iterator[str]:
    rest: str | None = line
    while rest is not None:
        field, rest = _first_field(rest.strip())
        yield field


def _first_field(text: str) -> tuple[str, str | None]:
    """Return the first field and the text behind its `|`, or None if it is the last field."""
    if not text.startswith('"'):
        field, bar, rest = text.partition("|")
        return field.strip(), rest if bar else None
    try:
        field, end = json.JSONDecoder().raw_decode(text)
    except ValueError as error:
        raise ValueError(
            f"a field that opens with a quotation mark is a JSON string, this one is not: {error}"
        ) from None
    rest = text[end:].lstrip()
    if rest and not rest.startswith("|"):
        raise ValueError(f"expected `|` behind the JSON string, got {rest!r}")
    return field, rest[1:] if rest else None


def _known(fields: Sequence[str], comments: tuple[str, ...], number: int) -> Known:
    if len(fields) < 3 or not fields[0]:
        raise ValueError(_FORM)
    test, outcomes, reason, *more = fields
    if not reason:
        raise ValueError("no reason: say in the third field why this outcome is known")
    named = _named(more)
    return Known(test, _modes(outcomes), reason, named.get("link"), _day(named.get("until")), comments, number)


def _modes(field: str) -> dict[str, frozenset[Outcome]]:
    modes: dict[str, frozenset[Outcome]] = {}
    for part in field.split(","):
        mode, equals, words = (piece.strip() for piece in part.partition("="))
        if not equals or not _MODE.fullmatch(mode):
            raise ValueError(f"expected `mode=outcome` in the second field, got {part.strip()!r}")
        if mode in modes:
            raise ValueError(f"mode {mode!r} is there twice: write {mode}=one/other")
        modes[mode] = outcomes_of(words)
    return modes


def _named(fields: Sequence[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for field in fields:
        name, _, value = field.partition("=")
        if name not in ("link", "until") or name in named or not value:
            raise ValueError(f"expected `link=…` and `until=YYYY-MM-DD` behind the reason, each once, got {field!r}")
        named[name] = value
    return named


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"until: expected a day such as 2027-01-31, got {text}") from None


def _written(known: Known) -> Iterator[str]:
    yield _quoted(known.test)
    yield ", ".join(f"{mode}={words_of(outcomes)}" for mode, outcomes in sorted(known.outcomes.items()))
    yield _quoted(known.reason)
    if known.link is not None:
        yield _quoted(f"link={known.link}")
    if known.until is not None:
        yield f"until={known.until.isoformat()}"


def _quoted(field: str) -> str:
    """Return the field, as a JSON string if the plain text would not be read back as the same field."""
    plain = field.isprintable() and field == field.strip() and "|" not in field and not field.startswith(('"', "#"))
    return field if plain and field else json.dumps(field)
