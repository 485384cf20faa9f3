"""The folder of a failure under --foreign-thread-artifacts, and the properties in JUnit's report, of real runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from pytest_foreignthread.report.kept.artifacts import folder_name

from .. import planted_secrets
from ..planted_secrets import VARIABLES, WORD
from ..run_command import FEW_OPTIONS, FEW_PLUGINS
from .conftest import ENDLESS, RunSuite, SuiteRun, run_suite_in

SECRET: Final = "hunter2-4711"
SUITE: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="main")

    @pytest.mark.foreign_thread(mode="pool")
    def test_passes():
        pass

    @pytest.mark.parametrize("how", ["at once"])
    def test_aborts(how):
        print("printed by the test:", os.environ.get("SOME_TOKEN"))
        os.abort()

    def test_null_result():
        raise SystemError("f returned NULL without setting an exception")

    @pytest.mark.xfail
    def test_expected():
        os.abort()

    def test_fails():
        assert False
"""
WITHOUT_A_JVM: Final = SUITE.replace('mode="pool"', 'mode="python"')
ABORTS: Final = "test_it.py::test_aborts[at once]"
FILES: Final = {"README.txt", "record.json", "report.txt", "environment.json", "order.txt", "rerun.txt"}
ENVIRONMENT: Final = {
    "SOME_TOKEN": SECRET,
    "SOME_PROXY": f"http://me:{SECRET}@proxy.example",
    "PLAIN_WORDS": "two words",
    "PYTHONHASHSEED": "7",
    "PYTEST_ADDOPTS": "",
}
ARGUMENTS: Final = (
    *("--foreign-thread-artifacts=kept", "--junitxml=junit.xml", "-p", "no:cacheprovider"),
    f"--foreign-thread-jvm-args=-Xmx99m -Dpassword={SECRET}",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("bundle"), SUITE, *ARGUMENTS, env=ENVIRONMENT)


def bundle(run: SuiteRun, nodeid: str = ABORTS) -> dict[str, str]:
    folder = run.folder / "kept" / folder_name(nodeid)
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_one_folder_for_each_abnormal_outcome(run: SuiteRun) -> None:
    abnormal = [ABORTS, "test_it.py::test_null_result", "test_it.py::test_expected"]
    assert {path.name for path in (run.folder / "kept").iterdir()} == {folder_name(nodeid) for nodeid in abnormal}


def test_the_files_stand_beside_the_documents(run: SuiteRun) -> None:
    documents = {Path(path).name for path in run.tests["test_aborts[at once]"]["artifacts"].values()}
    assert {"python.txt", "stdout.txt"} <= documents
    assert bundle(run).keys() == FILES | documents


def test_the_record_is_that_of_the_report(run: SuiteRun) -> None:
    assert json.loads(bundle(run)["record.json"]) == run.tests["test_aborts[at once]"]


def test_the_report_is_that_of_the_terminal(run: SuiteRun) -> None:
    report = bundle(run)["report.txt"]
    assert re.match(r"crash .*in call: killed by SIGABRT", report)
    assert [line for line in report.splitlines() if line not in run.output] == []


def test_the_report_of_a_null_result_has_its_traceback(run: SuiteRun) -> None:
    report = bundle(run, "test_it.py::test_null_result")["report.txt"]
    assert 'raise SystemError("f returned NULL without setting an exception")' in report
    assert "null_result in call" in report


def test_the_environment(run: SuiteRun) -> None:
    found: dict[str, Any] = json.loads(bundle(run)["environment.json"])
    assert run.document["environment"].items() <= found.items()
    assert found["argv"][:2] == [*FEW_OPTIONS]
    assert found["argv"][3:-1] == list(ARGUMENTS)[:-1]
    assert found["argv"][-1] == "--foreign-thread-jvm-args=-Xmx99m '-Dpassword=[left out]'"
    assert (found["cwd"], found["rootdir"]) == (str(run.folder), str(run.folder))
    assert found["environment_variables"]["PYTHONHASHSEED"] == "7"
    assert {"SOME_TOKEN", "SOME_PROXY", "PLAIN_WORDS"} <= set(found["left_out"])


def test_the_doctors_block_is_the_same_in_each(run: SuiteRun) -> None:
    covers = [bundle(run, nodeid)["README.txt"] for nodeid in (ABORTS, "test_it.py::test_null_result")]
    blocks = ["foreign-thread doctor\n" + cover.partition("foreign-thread doctor\n")[2] for cover in covers]
    assert blocks[0] == blocks[1]
    assert "\n  ok        trials: none in a run under way" in blocks[0]
    assert "\nmachine:\n" in blocks[0]
    assert re.match(rf"{re.escape(ABORTS)}: test_it\.py:\d+: killed by SIGABRT in call", covers[0])


def test_the_doctors_block_is_made_once(run_suite: RunSuite) -> None:
    counting = """
        import itertools
        from pytest_foreignthread.doctor import command

        numbers = itertools.count(1)
        command.block_of_run = lambda asked, cache: f"block {next(numbers)}"
    """
    run = run_suite(
        {"conftest.py": counting, "test_it.py": SUITE}, "--foreign-thread-artifacts=kept", "-k", "not passes"
    )
    blocks = [bundle(run, nodeid)["README.txt"].splitlines()[2] for nodeid in (ABORTS, "test_it.py::test_null_result")]
    assert blocks == ["block 1", "block 1"]


def test_a_secret_stands_only_in_the_tests_own_output(run: SuiteRun) -> None:
    with_secret = {name for name, text in bundle(run).items() if SECRET in text}
    assert with_secret == {"stdout.txt"}


CRASHING: Final = """
    import ctypes

    import pytest

    @pytest.mark.foreign_thread(mode="new", jvm_args="-Xmx64m -Dof.the.marker=hunter2 -Dfile.encoding=UTF-8")
    def test_crashes():
        ctypes.string_at(8)
"""
WITH_OPTIONS: Final = """
    def pytest_addoption(parser):
        for name in ("token", "db-pw", "stripe-sk", "admin-pin", "hmac-seed", "slack", "url"):
            parser.addoption(f"--{name}")
        parser.addini("api_key", "")
"""
NOT_AT_THE_START: Final = ("PYTHONPATH", "PYTHONWARNINGS", "LD_LIBRARY_PATH", "CLASSPATH")
"""Variables with which no Python or no JVM would start, or none as it should."""


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    """A crash beside a JVM, with secrets wherever one can be put."""
    # JPype is not found with a class path that is not its own.
    words = shlex.join(word for word in planted_secrets.JVM_WORDS if "class.path" not in word)
    environment = {name: value for name, value in VARIABLES.items() if name not in NOT_AT_THE_START}
    environment |= dict.fromkeys(("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"), words)
    environment |= {"PYTEST_ADDOPTS": "--db-pw=hunter2", "CLASSPATH": VARIABLES["CLASSPATH"]}
    arguments = [*planted_secrets.ARGUMENTS, f"--foreign-thread-jvm-args={words}"]
    return run_suite_in(
        tmp_path_factory.mktemp("planted"),
        {"conftest.py": WITH_OPTIONS, "test_it.py": CRASHING},
        *("--foreign-thread-artifacts=kept", "--foreign-thread-report=page.html", *arguments),
        env=environment,
    )


def test_no_planted_secret_is_in_what_is_kept(planted: SuiteRun) -> None:
    assert planted.outcomes == {"test_crashes": "segfault"}
    texts = bundle(planted, "test_it.py::test_crashes")
    assert {"hs_err.txt", "jvm_start.txt", "stdout.txt"} < texts.keys()
    assert [name for name, text in texts.items() if WORD in text] == []
    assert WORD not in json.dumps(planted.document)
    assert WORD not in (planted.folder / "page.html").read_text(encoding="utf-8")


def test_what_is_no_secret_is_kept(planted: SuiteRun) -> None:
    texts = bundle(planted, "test_it.py::test_crashes")
    environment = json.loads(texts["environment.json"])
    planted_names = {name for name in VARIABLES if name not in NOT_AT_THE_START}
    assert planted_names <= set(environment["left_out"])
    assert planted_names.isdisjoint(environment["environment_variables"])
    assert environment["environment_variables"]["PATH"] == os.environ["PATH"]
    assert environment["environment_variables"]["PYTEST_ADDOPTS"] == "'--db-pw=[left out]'"
    for name in ("hs_err.txt", "jvm_start.txt"):
        assert "-Ddb.password=[left out] -Dadmin.pin=[left out] -Dplain=[left out]" in texts[name]
    (command,) = [line for line in texts["hs_err.txt"].splitlines() if line.startswith("Command Line: ")]
    assert {"-Xmx64m", "-Dof.the.marker=[left", "-Dfile.encoding=UTF-8"} <= set(command.split())


def test_only_the_owner_may_read_the_bundle(planted: SuiteRun) -> None:
    paths = list((planted.folder / "kept").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (planted.folder / "kept", paths[0])} == {0o700}


def test_without_the_option_the_documents_are_private_and_filtered(run_suite: RunSuite, tmp_path: Path) -> None:
    run_suite(CRASHING, env={"JAVA_TOOL_OPTIONS": "-Ddb.password=hunter2"})
    paths = list((tmp_path / ".pytest_cache" / "d" / "foreign_thread").rglob("*"))
    assert {path.name for path in paths} > {"hs_err.txt", "jvm_start.txt"}
    assert [path.name for path in paths if path.is_file() and WORD in path.read_text(encoding="utf-8")] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600, 0o700}


@pytest.mark.parametrize("refused", ["-XX:NoSuchFlag", "-Xmx1k"])
def test_a_jvm_that_does_not_start_quotes_no_secret(run_suite: RunSuite, refused: str) -> None:
    """Its words are the message of a test's error, in each report."""
    marker = f"@pytest.mark.foreign_thread(mode='new', jvm_args='-Dof.the.marker=hunter2 {refused}')"
    suite = f"import pytest\n{marker}\ndef test_it(): pass\n"
    run = run_suite(
        suite, "--junitxml=junit.xml", env={"JAVA_TOOL_OPTIONS": "-Ddb.password=hunter2 -Dq='hunter2 hunter2'"}
    )
    assert run.outcomes == {"test_it": "error"}
    message = run.tests["test_it"]["message"]
    assert "-Ddb.password=[left out]" in message
    assert f"its arguments: '-Dof.the.marker=[left out]' {refused}" in message
    assert WORD not in json.dumps(run.document)
    assert WORD not in (run.folder / "junit.xml").read_text(encoding="utf-8")


def test_the_order(run: SuiteRun) -> None:
    assert bundle(run)["order.txt"].splitlines() == ["test_it.py::test_passes", ABORTS]
    assert bundle(run, "test_it.py::test_expected")["order.txt"].count("\n") == 4


def test_the_order_is_given_to_pytest_as_arguments(run: SuiteRun, run_suite: RunSuite, tmp_path: Path) -> None:
    (tmp_path / "order.txt").write_text("".join(reversed(bundle(run)["order.txt"].splitlines(keepends=True))))
    again = run_suite(WITHOUT_A_JVM, "@order.txt")
    assert list(again.outcomes.items()) == [("test_aborts[at once]", "crash"), ("test_passes", "passed")]


def test_the_rerun_has_what_is_no_secret(run: SuiteRun) -> None:
    words = shlex.split(bundle(run)["rerun.txt"])
    jvm_args = "--foreign-thread-jvm-args=-Xmx99m '-Dpassword=[left out]'"
    plugins = [word for name in ("foreign_thread", "pytest_forked", "no:cacheprovider") for word in ("-p", name)]
    assert words == ["PYTHONHASHSEED=7", "pytest", ABORTS, *plugins, jvm_args]


def test_the_rerun_command_runs_that_test(run_suite: RunSuite, tmp_path: Path) -> None:
    """In a folder below rootdir, with a value that a shell must not take apart."""
    files = {"pytest.ini": "[pytest]\n", "sub/test_it.py": SUITE}
    arguments = ("--foreign-thread-artifacts=kept", "-k", "aborts", "-o", "foreign_thread_jvm_args=-Da='b c' -Dd=$e")
    run = run_suite(files, *arguments)
    command = bundle(run, f"sub/{ABORTS}")["rerun.txt"]
    (tmp_path / "pytest").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m pytest "$@"\n')
    (tmp_path / "pytest").chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    again = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={**os.environ, **FEW_PLUGINS, "PATH": path},
        capture_output=True,
        text=True,
        timeout=ENDLESS,
        check=False,
    )
    assert again.returncode == pytest.ExitCode.TESTS_FAILED, again.stderr
    assert "1 crash in" in again.stdout


def test_a_failure_is_replaced_and_goes_with_a_pass(run_suite: RunSuite, tmp_path: Path) -> None:
    option = "--foreign-thread-artifacts=kept"
    run_suite(WITHOUT_A_JVM, option, "-k", "aborts or passes")
    run = run_suite(SUITE, option, "-k", "aborts")
    assert bundle(run)["order.txt"].splitlines() == [ABORTS]
    run_suite(SUITE.replace("os.abort()", "pass"), option, "-k", "aborts")
    assert list((tmp_path / "kept").iterdir()) == []


def test_without_the_option_there_is_no_bundle(run_suite: RunSuite, tmp_path: Path) -> None:
    run_suite(SUITE, "-k", "aborts")
    kept = {path.name for path in (tmp_path / ".pytest_cache" / "d" / "foreign_thread").rglob("*.*")}
    assert "stdout.txt" in kept
    assert FILES.isdisjoint(kept)


def test_workers_each_report_their_own(run_suite: RunSuite) -> None:
    run = run_suite(WITHOUT_A_JVM, "-n2", *ARGUMENTS, env=ENVIRONMENT)
    bundles = [bundle(run, nodeid) for nodeid in (ABORTS, "test_it.py::test_null_result", "test_it.py::test_expected")]
    environments = [json.loads(texts["environment.json"]) for texts in bundles]
    assert {one["xdist_worker"] for one in environments} <= {"gw0", "gw1"}
    assert all("-n2" in one["argv"] and "no:cacheprovider" in one["argv"] for one in environments)
    orders = {one["xdist_worker"]: set[str]() for one in environments}
    for one, texts in zip(environments, bundles, strict=True):
        orders[one["xdist_worker"]].update(texts["order.txt"].splitlines())
    # A test runs on one worker alone.
    assert sum(map(len, orders.values())) == len(set().union(*orders.values()))
    assert "no:terminal" not in bundles[0]["rerun.txt"]
    assert {name for name, text in bundles[0].items() if SECRET in text} == {"stdout.txt"}


def properties(run: SuiteRun) -> Iterator[tuple[str, dict[str, str]]]:
    for case in ElementTree.parse(run.folder / "junit.xml").getroot().iter("testcase"):
        yield case.attrib["name"], {one.attrib["name"]: one.attrib["value"] for one in case.iter("property")}


def test_junit_has_mode_and_outcome_of_what_is_abnormal(run: SuiteRun) -> None:
    found_here = {
        name: {key: value for key, value in found.items() if "diag" not in key} for name, found in properties(run)
    }
    assert found_here == {
        "test_passes": {},
        "test_aborts[at once]": {"foreign_thread_mode": "main", "foreign_thread_outcome": "crash"},
        "test_null_result": {"foreign_thread_mode": "main", "foreign_thread_outcome": "null_result"},
        "test_expected": {},
        "test_fails": {},
    }
