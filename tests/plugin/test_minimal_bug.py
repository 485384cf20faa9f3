"""The example: each of its cases has the outcome that its page tells, with its frame and thread."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ..docs_pages import variables

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "minimal_bug"


@pytest.mark.parametrize("isolation", ["test", "session"])
# The cases that end their child do so in both; those that do not share it, which takes a third of the time.
@pytest.mark.by_default("session")
def test_every_case_ends_as_expected(isolation: str) -> None:
    """`show.py` holds the table of what is expected, and exits with 0 when all of it was seen."""
    command = [sys.executable, "show.py", f"--foreign-thread-isolation={isolation}"]
    environment = {**os.environ, **variables()}
    shown = subprocess.run(command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    table = shown.stdout.rpartition("\ncase ")[2]
    if sys.version_info < (3, 14):
        assert table.count("_PyEval_EvalFrameDefault" if sys.version_info >= (3, 11) else "_PyFunction_Vectorcall") == 2
    assert "42 of 42" in table
    assert "fails on purpose" in shown.stdout.partition("$ pytest")[0]
    assert [line for line in shown.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(
    ("line", "rows"),
    {
        "short": ["short"],
        "one two three": ["one two", "  three"],
        "  an indented line": ["  an", "    indented", "    line"],
        "a verylongword": ["a", "verylongword"],
        "\x1b[31mred words\x1b[0m": ["\x1b[31mred words\x1b[0m"],
        "": [""],
    }.items(),
)
def test_a_line_is_folded_between_words(line: str, rows: list[str]) -> None:
    assert load_folding().folded(line, width=12).split("\n") == rows


def load_folding() -> ModuleType:
    """Return the example's module; the example is no package, so that it can be copied."""
    spec = importlib.util.spec_from_file_location("folding", EXAMPLE / "folding.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
