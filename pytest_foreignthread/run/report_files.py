"""The files that a run leaves: its results as JSON, HTML or Markdown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..matrix.verdicts import Matrix
from ..report import json_report, markdown_report, whole_file

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the reports of a run are made of."""

    matrix: Matrix
    entries: Sequence[Entry]
    environment: Callable[[], dict[str, Any]]
    run: Mapping[str, Any]
    """When the run ended, and by which command it ran."""
    asked: bool
    """Whether the run was asked for a matrix."""


def write(paths: Sequence[str], facts: Facts) -> None:
    """Write each report by its suffix. End pytest with an error when one cannot be written, once the others are."""
    failed = None
    for path in map(Path, paths):
        try:
            text = _text(path.suffix, facts)
            whole_file.write(path, text)
            if path.suffix == ".md":
                _append_to_step_summary(text)
        # RuntimeError: a loop of links that was made meanwhile.
        except (OSError, RuntimeError) as error:
            failed = failed or f"--foreign-thread-report={path}: {error}"
    if failed is not None:
        pytest.exit(failed, returncode=pytest.ExitCode.USAGE_ERROR)


def _text(suffix: str, facts: Facts) -> str:
    match suffix:
        case ".html":
            # Imported here, jinja2 with it: few runs need it.
            from ..report import html_report

            return html_report.render(facts.matrix, facts.entries, facts.environment(), facts.run, asked=facts.asked)
        case ".md":
            return markdown_report.render(facts.matrix, asked=facts.asked)
        case _:
            matrix = facts.matrix if facts.asked else None
            return json_report.render(json_report.document(facts.entries, facts.environment(), matrix, facts.run))


def _append_to_step_summary(text: str) -> None:
    """GitHub Actions shows the file as the summary of the job's step; other steps may write to it too."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path and os.environ.get("GITHUB_ACTIONS") == "true":
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
