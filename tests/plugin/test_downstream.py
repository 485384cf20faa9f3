"""examples/downstream: a project as users have them, installed in an environment of its own, runs its tests there."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from .conftest import ENDLESS, SuiteRun, run_suite_in

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples" / "downstream"
KNOWN: Final = "test_a_share_that_was_not_traded[new]"
OF_THE_REPLAY: Final = (
    "test_a_quote[replay]",
    "test_each_quote_is_replayed",
    "test_the_replay_has_a_thread_of_its_own",
)
NOT_BUILT: Final = "quotefeed._replay was not built: no C compiler"


def install(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Path:
    """Return the directory of the installed project."""
    command = [sys.executable, "docs/downstream.py", str(folder), *arguments]
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=ENDLESS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def run(project: Path, *arguments: str, env: dict[str, str] | None = None) -> SuiteRun:
    return run_suite_in(project, {}, *arguments, env=env, python=project / ".venv" / "bin" / "python")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("downstream") / "quotefeed")


@pytest.fixture(scope="module")
def ran(project: Path) -> SuiteRun:
    return run(project)


def why_nothing_compiles() -> str | None:
    """Return what this machine lacks for an extension module in C."""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"no C compiler ({compiler})"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "no Python.h: the headers of this Python are not installed"
    return None


def test_its_suite_is_green_with_one_known_failure(ran: SuiteRun) -> None:
    broken = {name: outcome for name, outcome in ran.outcomes.items() if outcome not in ("passed", "skipped")}
    assert (ran.status, broken) == (0, {KNOWN: "failed"}), ran.output
    assert "1 as known" in ran.output
    assert "1 xfailed" in ran.closing_line


def test_the_tests_of_its_extension_run_where_it_can_be_built(ran: SuiteRun) -> None:
    reason = why_nothing_compiles()
    outcomes = {name: ran.outcomes[name] for name in OF_THE_REPLAY}
    assert outcomes == dict.fromkeys(OF_THE_REPLAY, "skipped" if reason else "passed"), ran.output
    if reason:
        assert NOT_BUILT in ran.output
        pytest.skip(reason)


def test_without_its_extension_those_tests_are_skipped_with_the_reason(project: Path, ran: SuiteRun) -> None:
    # The module cannot be imported, as if it had not been built.
    (project / "without_the_extension.py").write_text("import sys\nsys.modules['quotefeed._replay'] = None\n")
    hidden = run(project, "-pwithout_the_extension", "-k=replay", env={"PYTHONPATH": str(project)})
    assert hidden.outcomes == {**dict.fromkeys(OF_THE_REPLAY, "skipped"), "test_a_quote[main]": "passed"}, hidden.output
    assert hidden.status == 0
    assert NOT_BUILT in hidden.output


def test_what_is_tested_is_what_was_installed(project: Path, ran: SuiteRun) -> None:
    code = "import quotefeed; print(quotefeed.__file__); print(quotefeed.JAR.is_file())"
    done = subprocess.run(
        [project / ".venv" / "bin" / "python", "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    file, has_jar = done.stdout.splitlines()
    assert project / ".venv" in Path(file).parents
    assert has_jar == "True"


def check_page(page: str, project: Path) -> None:
    assert "output of: downstream" in (ROOT / page).read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "docs/refresh.py", "--check", page],
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": "", "DOWNSTREAM_PROJECT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_the_tutorial_shows_the_report_of_the_known_failure_without_the_baseline(project: Path) -> None:
    check_page("docs/tutorial/jpype-library.md", project)


@pytest.mark.thorough
def test_the_readme_of_the_example_shows_its_run(project: Path) -> None:
    if reason := why_nothing_compiles():
        pytest.skip(reason)
    check_page("examples/downstream/README.md", project)


@pytest.mark.thorough
def test_without_a_compiler_it_installs_all_the_same(tmp_path: Path) -> None:
    lacking = run(install(tmp_path / "quotefeed", env={"CC": "false"}))
    assert {name: lacking.outcomes[name] for name in OF_THE_REPLAY} == dict.fromkeys(OF_THE_REPLAY, "skipped")
    assert (lacking.status, lacking.outcomes[KNOWN]) == (0, "failed"), lacking.output


@pytest.mark.thorough
def test_it_installs_from_the_index_with_all_that_it_needs(tmp_path: Path) -> None:
    full = run(install(tmp_path / "quotefeed", "--index"), env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""})
    assert full.status == 0, full.output
    assert full.outcomes[KNOWN] == "failed"


# The jar, which is checked in.


def classes(jar: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".class")}


def made_by(jar: Path) -> str:
    """Return the release of javac that made a jar."""
    with zipfile.ZipFile(jar) as archive:
        found = re.search(r"Build-Jdk-Spec: (\d+)", archive.read("META-INF/MANIFEST.MF").decode())
    assert found
    return found[1]


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_jar", EXAMPLE / "build_jar.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared(jar: Path, compiler: str, names: Sequence[str]) -> str:
    javap = Path(compiler).with_name("javap")
    command = [str(javap), "-private", "-classpath", str(jar), *(name.removesuffix(".class") for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ENDLESS, check=True)
    return done.stdout


def test_the_jar_is_what_its_source_gives(builder: ModuleType, tmp_path: Path) -> None:
    compiler = builder.javac()
    if compiler is None:
        pytest.skip("no javac of release 17 or newer")
    new = tmp_path / "new.jar"
    builder.build(new, compiler)
    assert classes(new).keys() == classes(builder.JAR).keys()
    if made_by(new) == made_by(builder.JAR):
        assert classes(new) == classes(builder.JAR)
    else:
        # Another release of javac makes other bytes of the same source.
        names = sorted(classes(new))
        assert declared(new, compiler, names) == declared(builder.JAR, compiler, names)


@pytest.mark.thorough
def test_a_change_of_the_source_is_seen(builder: ModuleType, tmp_path: Path) -> None:
    compiler = builder.javac()
    if compiler is None:
        pytest.skip("no javac of release 17 or newer")
    folder = tmp_path / "changed"
    shutil.copytree(EXAMPLE / "java", folder / "java")
    source = folder / "java" / "quotefeed" / "Exchange.java"
    source.write_text(source.read_text(encoding="utf-8").replace("newFixedThreadPool(2", "newFixedThreadPool(3"))
    shutil.copy(EXAMPLE / "build_jar.py", folder)
    subprocess.run([sys.executable, "build_jar.py", "new.jar"], cwd=folder, timeout=ENDLESS, check=True)
    if made_by(folder / "new.jar") == made_by(builder.JAR):
        assert classes(folder / "new.jar") != classes(builder.JAR)


@pytest.mark.parametrize(
    ("printed", "is_found"), [("javac 11.0.2", False), ("javac 17.0.15", True), ("javac 25", True)]
)
def test_an_old_compiler_counts_as_none(
    builder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, is_found: bool
) -> None:
    compiler = tmp_path / "bin" / "javac"
    compiler.parent.mkdir()
    compiler.write_text(f"#!/bin/sh\necho '{printed}'\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert builder.javac() == (str(compiler) if is_found else None)
