"""A suite in whose environment all these plugins load by themselves."""

from __future__ import annotations

import json

import pytest

from .conftest import RunWith
from .suites import OUTCOMES, WORDS

MORE = """
    @pytest.mark.foreign_thread
    def test_mocked_snapshot_of_a_benchmark(mocker, snapshot, benchmark):
        mocker.patch("os.getcwd", return_value="nowhere")
        assert benchmark.pedantic(os.getcwd, rounds=2) == snapshot
"""
REPORTS = ("--html=page.html", "--json-report", "--alluredir=allure", "--junitxml=junit.xml", "--snapshot-update")


@pytest.mark.parametrize(
    "args", [(), ("--instafail",), ("--force-sugar",), ("-n2",)], ids=["", "instafail", "sugar", "xdist"]
)
# All are loaded there; test_terminals.py has the two options.
@pytest.mark.by_default("xdist")
def test_a_suite_that_loads_them_all(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("*", OUTCOMES + MORE, *REPORTS, *args)
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.outcomes == {**WORDS, "test_mocked_snapshot_of_a_benchmark": "passed"}, run.output
    assert run.status == 1
    assert (run.folder / "page.html").exists()
    assert (run.folder / "junit.xml").exists()
    assert "'nowhere'" in (run.folder / "__snapshots__" / "test_it.ambr").read_text()
    tests = json.loads((run.folder / ".report.json").read_text())["tests"]
    assert len(tests) == len(list((run.folder / "allure").glob("*-result.json"))) == len(WORDS) + 2
