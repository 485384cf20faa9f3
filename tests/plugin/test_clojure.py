"""The example with Clojure: where its jars are looked for, and, where they are, that it ends as its page tells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from tests.docs_pages import ROOT, shown, variables
from tests.run_command import FEW_PLUGINS, run_command

EXAMPLE: Final = ROOT / "examples" / "clojure"
PAGE: Final = ROOT / "docs" / "how-to" / "clojure.md"
JARS: Final = ("clojure", "spec.alpha", "core.specs.alpha")
DEBIANS: Final = [Path("/usr/share/java", f"{jar}.jar") for jar in JARS]


def load_jars() -> ModuleType:
    """Return the example's module; the example is no package, so that it can be copied."""
    spec = spec_from_file_location("clojure_jars", EXAMPLE / "clojure_jars.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_example(**variables: str) -> str:
    environment: Mapping[str, str] = {**os.environ, **FEW_PLUGINS, **variables, "PY_COLORS": "0"}
    done = subprocess.run(
        run_command("-ra"),
        cwd=EXAMPLE,
        env={name: value for name, value in environment.items() if not name.startswith("PYTEST_XDIST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.thorough
def test_without_clojure_it_is_skipped_and_says_what_to_do(tmp_path: Path) -> None:
    shown = run_example(CLOJURE_JAR=str(tmp_path / "clojure.jar"))
    assert "17 skipped" in shown
    assert "no Clojure found: install it (apt-get install clojure)" in shown


@pytest.mark.thorough
def test_with_clojure_it_ends_as_expected() -> None:
    found = load_jars()
    if not found.clojure_jars():
        pytest.skip(found.WHY_NONE)
    shown = run_example()
    assert "16 passed, 1 xfailed" in shown
    assert "XFAIL test_minimal_bug_in_clojure.py::test_new_thread_fail - known: expected by its marker" in shown


@pytest.mark.thorough
def test_the_page_shows_the_report_of_today() -> None:
    found = load_jars()
    if not found.clojure_jars():
        pytest.skip(found.WHY_NONE)
    page = shown(PAGE)
    assert page.today == page.page


@pytest.mark.thorough
def test_the_page_does_what_it_says_up_to_the_bug(tmp_path: Path) -> None:
    if missing := [path for path in DEBIANS if not path.exists()]:
        pytest.skip(f"the page names the paths of Debian and Ubuntu, and these are not there: {missing}")
    page = tmp_path / "clojure.md"
    page.write_text(PAGE.read_text(encoding="utf-8").partition("## The bug of 2020")[0], encoding="utf-8")
    command = [sys.executable, "docs/follow.py", str(page)]
    environment = {**os.environ, **variables()}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def names(*paths: Path) -> list[str]:
    return [str(path) for path in paths]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLOJURE_JAR", raising=False)
    monkeypatch.delenv("CLASSPATH", raising=False)
    return tmp_path


def made(folder: Path, *jars: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{jar}.jar" for jar in jars]
    for path in paths:
        path.touch()
    return paths


def test_a_variable_names_the_jar_and_the_others_lie_beside_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = made(home / "lib", "clojure-1.12.0", "spec.alpha-0.5.238", "core.specs.alpha-0.4.74")
    made(home / "lib", "clojure-contrib-9", "clojure-1.9.0")
    monkeypatch.setenv("CLOJURE_JAR", str(paths[0]))
    assert load_jars().clojure_jars() == names(*paths)


def test_a_variable_wins_also_where_it_names_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = made(home / "lib", *JARS)
    monkeypatch.setenv("CLASSPATH", os.pathsep.join(names(*paths)))
    assert load_jars().clojure_jars() == names(*paths)
    monkeypatch.setenv("CLOJURE_JAR", str(home / "none.jar"))
    assert load_jars().clojure_jars() == []


def test_a_variable_that_names_no_file_has_no_directory_searched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_jars()
    searched: list[Path] = []
    monkeypatch.setattr(found, "_newest", lambda folder, name: searched.append(folder))
    monkeypatch.setenv("CLOJURE_JAR", "/none.jar")
    assert (found.clojure_jars(), searched) == ([], [])


def test_the_repository_of_maven(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = load_jars()
    monkeypatch.setattr(
        found, "_newest", lambda folder, name, real=found._newest: real(folder, name) if ".m2" in str(folder) else None
    )
    maven = home / ".m2/repository/org/clojure"
    made(maven / "clojure/1.9.0", "clojure-1.9.0")
    paths = [
        *made(maven / "clojure/1.12.0", "clojure-1.12.0"),
        *made(maven / "spec.alpha/0.5.238", "spec.alpha-0.5.238"),
    ]
    assert found.clojure_jars() == []
    paths += made(maven / "core.specs.alpha/0.4.74", "core.specs.alpha-0.4.74")
    assert found.clojure_jars() == names(*paths)
