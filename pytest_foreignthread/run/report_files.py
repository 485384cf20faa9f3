"""The files that a run leaves: its results as JSON, HTML or Markdown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..matrix.verdicts import Matrix
from ..report import json_report, markdown_report, whole_file

Entry = Mapping[str, Any]


def write(
    paths: Sequence[str],
    matrix: Matrix,
    entries: Sequence[Entry],
    environment: Callable[[], dict[str, Any]],
    *,
    asked: bool,
) -> None:
    """Write each report by its suffix; `asked` says whether the run was asked for a matrix.

    End pytest with an error when one cannot be written, once the others are.
    """
    failed = None
    for path in map(Path, paths):
        try:
            text = _text(path.suffix, matrix, entries, environment(), asked)
            whole_file.write(path, text)
            if path.suffix == ".md":
                _append_to_step_summary(text)
        except OSError as error:
            failed = failed or f"--foreign-thread-report={path}: {error}"
    if failed is not None:
        pytest.exit(failed, returncode=pytest.ExitCode.USAGE_ERROR)


def _text(suffix: str, matrix: Matrix, entries: Sequence[Entry], environment: dict[str, Any], asked: bool) -> str:
    match suffix:
        case ".html":
            # Imported here, jinja2 with it: few runs need it.
            from ..report import html_report

            return html_report.render(matrix, entries, environment)
        case ".md":
            return markdown_report.render(matrix)
        case _:
            return json_report.render(json_report.document(entries, environment, matrix if asked else None))


def _append_to_step_summary(text: str) -> None:
    """GitHub Actions shows the file as the summary of the job's step; other steps may write to it too."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path and os.environ.get("GITHUB_ACTIONS") == "true":
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")
