"""pytest-html: a row for each test, with the text of its failure."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from .conftest import RunWith
from .suites import DEATHS, OUTCOMES, WORDS

RESULTS = {"passed": "Passed", "skipped": "Skipped", "xfailed": "XFailed"}


def rows(page: Path) -> dict[str, list[dict[str, Any]]]:
    """Test → the data of its rows."""
    found = re.search(r'data-jsonblob="([^"]*)"', page.read_text(encoding="utf-8"))
    assert found is not None
    tests = json.loads(html.unescape(found[1]))["tests"]
    return {nodeid.partition("::")[2]: entries for nodeid, entries in tests.items()}


@pytest.mark.parametrize("args", [(), ("-p", "xdist", "-n2")], ids=["alone", "xdist"])
# Rows come with the reports, as with xdist.
@pytest.mark.by_default("alone")
def test_the_rows(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("metadata html", OUTCOMES, "--html=page.html", "--self-contained-html", *args)
    assert run.outcomes == WORDS, run.output
    found = rows(run.folder / "page.html")
    late = found.pop("test_dies_in_teardown")
    assert [entry["result"] for entry in late] == ["Passed", "Error"]
    assert {name: [entry["result"] for entry in entries] for name, entries in found.items()} == {
        "test_ordinary": ["Passed"],
        **{name: [RESULTS.get(word, "Failed")] for name, word in WORDS.items() if name in found},
    }
    logs = {
        name: html.unescape(entries[-1]["log"]) for name, entries in {**found, "test_dies_in_teardown": late}.items()
    }
    assert {name for name, text in DEATHS.items() if text not in logs[name]} == set()
    assert "printed before" in logs["test_segfault"]
    assert run.status == 1
