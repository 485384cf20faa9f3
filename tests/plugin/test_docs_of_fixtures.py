"""Every example of docs/reference/fixtures.md, and the first one of the README, runs as a test module of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import SuiteRun, run_suite_in


def _blocks(page: Path) -> list[str]:
    return re.findall(r"(?ms)^```python\n(.*?)^```", page.read_text(encoding="utf-8"))


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fixtures.md"
README = PAGE.parents[2] / "README.md"
FIRST, *_ = _blocks(README)
EXAMPLES = [FIRST, *_blocks(PAGE)]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    files = {f"test_{number}.py": source for number, source in enumerate(EXAMPLES)}
    return run_suite_in(tmp_path_factory.mktemp("docs"), files)


def test_each_example_passes(examples: SuiteRun) -> None:
    modules = {entry["nodeid"].partition("::")[0] for entry in examples.document["tests"]}
    assert len(modules) == len(EXAMPLES) > 5
    assert examples.status == 0, examples.output


def test_modes_are_those_of_the_plugin() -> None:
    from pytest_foreignthread.model.choices import MODES

    assert set(re.findall(r"(?m)^\| `([\w-]+)`", PAGE.read_text(encoding="utf-8"))) == set(MODES)
