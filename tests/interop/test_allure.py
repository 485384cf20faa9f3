"""allure-pytest: one file for each test, written where the test ran, or for it where its child died."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import RunWith
from .suites import DEATHS, OUTCOMES, WORDS

STATUS = {"passed": "passed", "failed": "failed", "skipped": "skipped", "xfailed": "skipped"}


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """Test → what was written; each is written once."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*-result.json")]
    named = {result["name"]: result for result in found}
    assert len(named) == len(found), sorted(result["name"] for result in found)
    return named


@pytest.mark.parametrize(
    "args",
    [(), ("--foreign-thread-isolation=session",), ("-p", "xdist", "-n2")],
    ids=["test", "session", "xdist"],
)
# Results come with the reports, as in the others.
@pytest.mark.by_default("test")
def test_the_results(run_with: RunWith, args: tuple[str, ...]) -> None:
    run = run_with("allure_pytest", OUTCOMES, "--alluredir=written", *args)
    assert run.outcomes == WORDS, run.output
    found = results(run.folder / "written")
    assert {name: result["status"] for name, result in found.items()} == {
        "test_ordinary": "passed",
        **{name: STATUS.get(word, "broken") for name, word in WORDS.items()},
    }
    for name, text in DEATHS.items():
        assert text in found[name]["statusDetails"]["trace"]
    for name, result in found.items():
        assert result["fullName"].endswith(f"#{name}")
        assert {"name": "framework", "value": "pytest"} in result["labels"]
        assert result["historyId"]


def test_steps_attachments_and_fixtures(run_with: RunWith) -> None:
    suite = """
        import allure
        import pytest

        @pytest.fixture
        def prepared():
            yield

        @pytest.mark.foreign_thread
        @allure.title("a title of its own")
        @allure.severity("critical")
        def test_it(prepared):
            with allure.step("a step"):
                allure.attach("text", name="attached")

        @pytest.mark.foreign_thread
        def test_other(prepared):
            allure.dynamic.title("a title made on the thread")
    """
    run = run_with("allure_pytest", suite, "--alluredir=written")
    assert run.status == 0, run.output
    found = results(run.folder / "written")
    assert sorted(found) == ["a title made on the thread", "a title of its own"]
    result = found["a title of its own"]
    assert {"name": "severity", "value": "critical"} in result["labels"]
    (step,) = result["steps"]
    assert (step["name"], step["status"]) == ("a step", "passed")
    (attachment,) = step["attachments"]
    assert (run.folder / "written" / attachment["source"]).read_text(encoding="utf-8") == "text"
    containers = [json.loads(path.read_text()) for path in (run.folder / "written").glob("*-container.json")]
    befores = [before["name"] for one in containers if result["uuid"] in one["children"] for before in one["befores"]]
    assert "prepared" in befores
