"""Which releases of Python, pytest, the JDK and JPype the tests ran with.

`python -m tests.versions` puts the results below RECORDED into docs/versions.json and into the page on versions, and
prints the table. `python -m tests.versions --smoke [ARGUMENT ...]` runs pytest on SMOKE. A run of pytest leaves its
result if the variable RECORD names a directory, and if it is of all tests, of the first tier or of SMOKE.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_foreignthread.jvm.finding import JvmNotFound, find_jvm

ROOT: Final = Path(__file__).parents[1]
RECORD: Final = "FOREIGN_THREAD_TESTS_RECORD"
"""The variable that names the directory; `make test-all` sets it to RECORDED."""
RECORDED: Final = ROOT / "build" / "versions"
RESULTS: Final = ROOT / "docs" / "versions.json"
PAGE: Final = ROOT / "docs" / "reference" / "versions.md"
MARKER: Final = "<!-- table of: docs/versions.json -->\n"
SMOKE: Final = ("tests/unit/test_contracts_of_others.py", "tests/plugin/test_modes.py", "tests/plugin/test_deaths.py")
"""Tests of each mode and of each kind of death, and those of the names of others that the plugin uses."""
FIRST_TIER: Final = "not thorough"
RELEASES: Final = ("python", "pytest", "jdk", "jpype")
"""What a result is of: a newer one of the same releases and the same tests takes its place."""

Result = dict[str, Any]


def part_of_the_tests(args: Sequence[str], *, is_default: bool, mark: str, keyword: str) -> str | None:
    """Return what a run is called in the table; None if it is of a selection that has no name."""
    if keyword:
        return None
    if is_default:
        return {"": "whole", FIRST_TIER: "first tier"}.get(mark)
    return "smoke" if tuple(args) == SMOKE and mark == FIRST_TIER else None


def jdk() -> str:
    try:
        return find_jvm(None, "").version or "unknown"
    except JvmNotFound:
        return "none"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Leave the result of the run, as a file for each set of releases."""
    folder = os.environ.get(RECORD)
    part = part_of_the_tests(
        config.args,
        is_default=config.args_source is pytest.Config.ArgsSource.TESTPATHS,
        mark=config.getoption("markexpr"),
        keyword=config.getoption("keyword"),
    )
    if not folder or part is None or config.getoption("collectonly"):
        return
    counts = {word: len(reports) for word, reports in terminalreporter.stats.items()}
    result: Result = {
        "python": platform.python_version(),
        "pytest": pytest.__version__,
        "jdk": jdk(),
        "jpype": metadata.version("jpype1"),
        "tests": part,
        "passed": counts.get("passed", 0),
        "failed": counts.get("failed", 0) + counts.get("error", 0),
        "skipped": counts.get("skipped", 0),
        "day": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }
    name = "-".join([*(result[release] for release in RELEASES), part.replace(" ", "_")])
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")


def _sorted_by_release(results: Iterable[Result]) -> list[Result]:
    def key(result: Result) -> list[tuple[int, ...]]:
        versions = [result[release] for release in RELEASES]
        return [tuple(int(part) for part in version.split(".") if part.isdecimal()) for version in versions]

    return sorted(results, key=key)


def merged(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """Return the results with the newest one for each set of releases and each part of the tests."""

    def identity(result: Result) -> tuple[str, ...]:
        return tuple(result[name] for name in (*RELEASES, "tests"))

    return _sorted_by_release({identity(result): result for result in (*old, *new)}.values())


def table(results: Iterable[Mapping[str, Any]]) -> str:
    """Return the results as a table in Markdown."""
    lines = ["| Python | pytest | JDK | JPype | tests | result | day |", "|---|---|---|---|---|---|---|"]
    for result in results:
        counts = ", ".join(f"{result[word]} {word}" for word in ("passed", "failed", "skipped") if result[word])
        cells = [*(result[release] for release in RELEASES), result["tests"], counts, result["day"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, results: Iterable[Mapping[str, Any]]) -> str:
    """Return the page with the results in place of its table; raise ValueError if it has no place for them."""
    before, marker, after = page.partition(MARKER)
    if not marker:
        raise ValueError(f"expected a line {MARKER!r}")
    rows, _, rest = after.lstrip("\n").partition("\n\n")
    kept = rest if rows.startswith("|") else after.lstrip("\n")
    return f"{before}{marker}\n{table(results)}\n{kept}"


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--smoke"]:
        command = [sys.executable, "-m", "pytest", *SMOKE, f"-m={FIRST_TIER}", *arguments[1:]]
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    new = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*.json"))]
    results = merged(json.loads(RESULTS.read_text(encoding="utf-8")), new)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")
    print(table(results), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
