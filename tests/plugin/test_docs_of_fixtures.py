"""Every example of the pages on marker, modes and fixtures runs as a test module, as does the README's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import SuiteRun, run_suite_in


def _blocks(page: Path) -> list[str]:
    """Return the examples that stand in the page itself: those of files are run elsewhere."""
    return re.findall(r"(?ms)(?<!-->\n)^```python\n(.*?)^```", page.read_text(encoding="utf-8"))


ROOT = Path(__file__).parents[2]
NAMES = ("reference/marker", "reference/modes", "reference/fixtures")
PAGES = [ROOT / "docs" / f"{name}.md" for name in NAMES]
FIRST, *_ = _blocks(ROOT / "README.md")
EXAMPLES = [FIRST, *(block for page in PAGES for block in _blocks(page))]


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

    assert set(re.findall(r"(?m)^\| `([\w-]+)`", PAGES[1].read_text(encoding="utf-8"))) == set(MODES)
