"""Which form a report has, and what becomes of one that cannot be written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.matrix.verdicts import matrix_of
from pytest_foreignthread.model.outcomes import Outcome
from pytest_foreignthread.run.report_files import Facts, write

from .sample_entries import ENVIRONMENT, row

ENTRIES: Final = row("t.py::test_x", main=Outcome.PASSED, new=Outcome.SEGFAULT)
RUN: Final = {"finished": "2026-11-29T09:00:00+00:00", "command": ["pytest", "-q"]}
FIRST: Final[dict[str, str]] = {"a.json": "{", "a.html": "<!doctype html>", "a.md": "## Foreign-thread matrix: "}


def written(*paths: Path, asked: bool = True) -> None:
    def environment() -> dict[str, Any]:
        return dict(ENVIRONMENT)

    write([str(path) for path in paths], Facts(matrix_of(ENTRIES, ()), ENTRIES, environment, RUN, asked))


@pytest.fixture(autouse=True)
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a step's summary, which another step's command has begun; nobody says yet that it is to be used."""
    path = tmp_path / "step.md"
    path.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return path


def test_the_suffix_chooses_the_form(tmp_path: Path) -> None:
    written(*(tmp_path / name for name in FIRST))
    starts = {name: (tmp_path / name).read_text(encoding="utf-8").lower() for name in FIRST}
    assert [name for name, start in FIRST.items() if not starts[name].startswith(start.lower())] == []


@pytest.mark.parametrize("asked", [True, False])
def test_json_has_the_matrix_that_was_asked_for(tmp_path: Path, asked: bool) -> None:
    written(tmp_path / "a.json", asked=asked)
    assert (json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["matrix"] is not None) is asked


def test_html_and_markdown_have_the_verdicts_that_were_asked_for(tmp_path: Path) -> None:
    written(tmp_path / "a.html", tmp_path / "a.md", asked=False)
    html, markdown = ((tmp_path / name).read_text(encoding="utf-8") for name in ("a.html", "a.md"))
    assert "<h1>Foreign-thread tests</h1>" in html
    assert "2026-11-29 09:00:00 UTC" in html
    assert markdown.startswith("## Foreign-thread tests: 1 test\n")


def test_json_says_when_and_by_which_command(tmp_path: Path) -> None:
    written(tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["run"] == RUN


@pytest.mark.parametrize(
    ("actions", "name", "added"), [("true", "a.md", True), ("", "a.md", False), ("true", "a.json", False)]
)
def test_markdown_is_added_to_the_summary_of_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Path, actions: str, name: str, added: bool
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", actions)
    written(tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert step.read_text(encoding="utf-8") == (f"before\n{text}\n" if added else "before\n")


def test_one_that_cannot_be_written_does_not_keep_back_the_others(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(pytest.exit.Exception, match=f"^--foreign-thread-report={tmp_path}/file/a.md: ") as raised:
        written(tmp_path / "file" / "a.md", tmp_path / "a.json")
    assert raised.value.returncode == pytest.ExitCode.USAGE_ERROR
    assert (tmp_path / "a.json").exists()


def test_a_summary_of_the_step_that_cannot_be_appended_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(pytest.exit.Exception, match=r"^expected a file .* in GITHUB_STEP_SUMMARY, got .*") as caught:
        written(tmp_path / "a.md", tmp_path / "b.json")
    assert caught.value.returncode == pytest.ExitCode.USAGE_ERROR
    assert (tmp_path / "a.md").exists()
    assert (tmp_path / "b.json").exists()
