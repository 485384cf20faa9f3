"""Writes the reports of a run: its results as JSON, HTML or Markdown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..matrix.verdicts import Matrix
from ..report import json_report, markdown_report, whole_file

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """The data that the reports of a run show."""

    matrix: Matrix
    entries: Sequence[Entry]
    environment: Callable[[], dict[str, Any]]
    run: Mapping[str, Any]
    """When the run ended, and the command that started it."""
    asked: bool
    """Whether the user asked for a matrix."""


def write(paths: Sequence[str], facts: Facts) -> None:
    """Write each report in the format of its suffix. If a report cannot be written, write the others, then exit pytest.

    The exit status is that of a usage error, and the message names the first report that failed.
    """
    failed = [error for path in map(Path, paths) for error in _write(path, facts)]
    if failed:
        pytest.exit(failed[0], returncode=pytest.ExitCode.USAGE_ERROR)


def _write(path: Path, facts: Facts) -> Iterator[str]:
    """Write a report, and append a Markdown report to the summary of the step; yield an error for each that failed."""
    text = _text(path.suffix, facts)
    try:
        whole_file.write(path, text)
    # RuntimeError: a test has made a loop of symbolic links on the path since the options were checked.
    except (OSError, RuntimeError) as error:
        yield f"--foreign-thread-report={path}: {error}"
    if path.suffix == ".md":
        try:
            _append_to_step_summary(text)
        except OSError as error:
            yield f"expected a file that can be appended to in GITHUB_STEP_SUMMARY, got {error}"


def _text(suffix: str, facts: Facts) -> str:
    match suffix:
        case ".html":
            # Imported here because the import brings jinja2, which few runs need.
            from ..report import html_report

            return html_report.render(facts.matrix, facts.entries, facts.environment(), facts.run, asked=facts.asked)
        case ".md":
            return markdown_report.render(facts.matrix, asked=facts.asked, entries=facts.entries)
        case _:
            matrix = facts.matrix if facts.asked else None
            return json_report.render(json_report.document(facts.entries, facts.environment(), matrix, facts.run))


def _append_to_step_summary(text: str) -> None:
    """Append the text to the file that GitHub Actions shows as the summary of the step; do nothing elsewhere.

    The text is appended because other commands of the step may write to the file, too.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path and os.environ.get("GITHUB_ACTIONS") == "true":
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
