"""Findings as text."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .findings import LEVELS, Finding, count

HEAD: Final = "foreign-thread doctor"
WIDTH: Final = 80
_NAME: Final = 12
"""The columns before the text of a finding: two spaces, its level in nine columns, a space."""


def render(findings: Sequence[Finding], width: int = WIDTH) -> str:
    """Return the findings by section, with problems in capitals. Long words, such as paths, are not broken."""
    lines = [HEAD]
    for section, members in itertools.groupby(findings, lambda one: one.section):
        lines += [f"{section}:", *itertools.chain.from_iterable(_lines(one, width) for one in members)]
    return "\n".join([*lines, counts(findings)])


def _lines(finding: Finding, width: int) -> Iterator[str]:
    marked = finding.level.upper() if finding.level == "problem" else finding.level
    yield from _wrapped(f"  {marked:<9}", finding, width)
    if finding.advice:
        yield from _prose(f"what to do: {finding.advice}", " " * (_NAME + 2), width)


def _wrapped(start: str, finding: Finding, width: int) -> Iterable[str]:
    first, *rest = _prose(f"{finding.name}: {finding.value}", " " * _NAME, width)
    return [f"{start} {first.lstrip()}", *rest]


def _prose(words: str, indent: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=indent,
        subsequent_indent=" " * (_NAME + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def counts(findings: Sequence[Finding]) -> str:
    """Return the last line: the number of findings of each level."""
    return ", ".join(f"{level}: {count(findings, level)}" for level in LEVELS)
