"""The folder of a failure under --foreign-thread-artifacts, and the properties in JUnit's report, of real runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from pytest_foreignthread.artifacts import folder_name

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
ABORTS: Final = "test_it.py::test_aborts[at once]"
FILES: Final = {"README.txt", "record.json", "report.txt", "environment.json", "order.txt", "rerun.txt"}
ENVIRONMENT: Final = {
    "SOME_TOKEN": SECRET,
    "SOME_PROXY": f"http://me:{SECRET}@proxy.example",
    "PLAIN_WORDS": "two words",
    "PYTHONHASHSEED": "7",
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
    assert found["argv"][1:-1] == list(ARGUMENTS)[:-1]
    assert found["argv"][-1] == "--foreign-thread-jvm-args=[left out]"
    assert (found["cwd"], found["rootdir"]) == (str(run.folder), str(run.folder))
    assert found["environment_variables"]["PLAIN_WORDS"] == "two words"
    assert {"SOME_TOKEN", "SOME_PROXY"} <= set(found["left_out"])


def test_the_doctors_block_is_the_same_in_each(run: SuiteRun) -> None:
    covers = [bundle(run, nodeid)["README.txt"] for nodeid in (ABORTS, "test_it.py::test_null_result")]
    blocks = ["foreign-thread doctor\n" + cover.partition("foreign-thread doctor\n")[2] for cover in covers]
    assert blocks[0] == blocks[1]
    assert "\n  ok        trials: none in a run under way" in blocks[0]
    assert "\nmachine:\n" in blocks[0]
    assert covers[0].startswith(f"{ABORTS}: killed by SIGABRT in call")


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


def test_a_secret_stands_in_the_tests_own_output_alone(run: SuiteRun) -> None:
    with_secret = {name for name, text in bundle(run).items() if SECRET in text}
    assert with_secret == {"stdout.txt"}


def test_the_order(run: SuiteRun) -> None:
    assert bundle(run)["order.txt"].splitlines() == ["test_it.py::test_passes", ABORTS]
    assert bundle(run, "test_it.py::test_expected")["order.txt"].count("\n") == 4


def test_the_order_is_given_to_pytest_as_arguments(run: SuiteRun, run_suite: RunSuite, tmp_path: Path) -> None:
    (tmp_path / "order.txt").write_text("".join(reversed(bundle(run)["order.txt"].splitlines(keepends=True))))
    again = run_suite(SUITE, "@order.txt")
    assert list(again.outcomes.items()) == [("test_aborts[at once]", "crash"), ("test_passes", "passed")]


def test_the_rerun_has_what_is_no_secret(run: SuiteRun) -> None:
    words = shlex.split(bundle(run)["rerun.txt"])
    jvm_args = "--foreign-thread-jvm-args=[left out]"
    assert words == ["PYTHONHASHSEED=7", "pytest", ABORTS, "-p", "no:cacheprovider", jvm_args]


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
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=ENDLESS,
        check=False,
    )
    assert again.returncode == pytest.ExitCode.TESTS_FAILED, again.stderr
    assert "1 crash in" in again.stdout


def test_a_failure_is_replaced_and_goes_with_a_pass(run_suite: RunSuite, tmp_path: Path) -> None:
    option = "--foreign-thread-artifacts=kept"
    run_suite(SUITE, option, "-k", "aborts or passes")
    run = run_suite(SUITE, option, "-k", "aborts")
    assert bundle(run)["order.txt"].splitlines() == [ABORTS]
    run_suite(SUITE.replace("os.abort()", "pass"), option, "-k", "aborts")
    assert list((tmp_path / "kept").iterdir()) == []


def test_without_the_option_there_is_no_bundle(run_suite: RunSuite, tmp_path: Path) -> None:
    run_suite(SUITE, "-k", "aborts")
    kept = {path.name for path in (tmp_path / ".pytest_cache" / "d" / "foreign_thread").rglob("*.*")}
    assert "stdout.txt" in kept
    assert FILES.isdisjoint(kept)


def test_workers_each_tell_their_own(run_suite: RunSuite) -> None:
    run = run_suite(SUITE, "-n2", *ARGUMENTS, env=ENVIRONMENT)
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
    told = {name: {key: value for key, value in found.items() if "diag" not in key} for name, found in properties(run)}
    assert told == {
        "test_passes": {},
        "test_aborts[at once]": {"foreign_thread_mode": "main", "foreign_thread_outcome": "crash"},
        "test_null_result": {"foreign_thread_mode": "main", "foreign_thread_outcome": "null_result"},
        "test_expected": {},
        "test_fails": {},
    }
