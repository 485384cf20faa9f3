"""pytest-json-report: each outcome under its own word, with each phase."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ..plugin.conftest import SuiteRun
from .conftest import RunWith
from .suites import DEATHS, OUTCOMES, WORDS


def read(run: SuiteRun) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((run.folder / ".report.json").read_text(encoding="utf-8"))
    return report


@pytest.mark.parametrize("args", [(), ("-p", "xdist", "-n2")], ids=["alone", "xdist"])
# Entries come with the reports, as with xdist.
@pytest.mark.by_default("alone")
def test_the_report(run_with: RunWith, args: tuple[str, ...]) -> None:
    """The ordinary test before makes the pytest process tear down fixtures after each of the others."""
    suite = "def test_ordinary_first(): pass\n" + OUTCOMES.replace("\n    ", "\n")
    run = run_with("metadata pytest_jsonreport", suite, "--json-report", *args)
    assert run.outcomes == WORDS, run.output
    report = read(run)
    tests = {test["nodeid"].partition("::")[2]: test for test in report["tests"]}
    words = {name: test["outcome"] for name, test in tests.items()}
    assert words == {"test_ordinary_first": "passed", **WORDS, "test_ordinary": "passed"}
    assert report["summary"]["total"] == report["summary"]["collected"] == len(WORDS) + 2
    assert report["exitcode"] == 1
    for name, text in DEATHS.items():
        assert text in tests[name]["teardown" if name == "test_dies_in_teardown" else "call"]["longrepr"]
        assert {"setup", "call", "teardown"} <= tests[name].keys()
    assert set(tests["test_is_not_run"]) & {"setup", "call", "teardown"} == {"setup", "teardown"}


def test_what_a_test_leaves(run_with: RunWith) -> None:
    suite = """
        import logging
        import pytest

        @pytest.mark.foreign_thread
        def test_it(json_metadata):
            json_metadata["colour"] = "blue"
            print("printed")
            logging.warning("logged")
    """
    (test,) = read(run_with("metadata pytest_jsonreport", suite, "--json-report"))["tests"]
    assert test["metadata"] == {"colour": "blue"}
    assert test["call"]["stdout"] == "printed\n"
    assert [record["msg"] for record in test["call"]["log"]] == ["logged"]
