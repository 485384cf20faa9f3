"""A run without options of this plugin: what it imports where no test is marked, and that it finds one that is."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from pytest_foreignthread.model.report_data import ReportData, put_on

from ..run_command import FEW_PLUGINS, run_command
from .conftest import ENDLESS

# Each costs a run that has no use for this plugin a third of a millisecond, one with data classes two.
AT_START: Final = frozenset(
    {
        *("plugin", "fixtures", "hookspecs", "collect", "collect.activation", "run", "run.stash"),
        *("config", "config.options", "config.option_table", "config.option_values", "config.stash_keys"),
        *("interop", "interop.faulthandler_guard", "interop.on_import", "interop.running_jvm"),
        *("interop.pytest_fixtures", "interop.pytest_start"),
        *("model", "model.checkers", "model.choices", "model.modes", "model.report_attribute"),
    }
)
CONFTEST: Final = """
    import sys

    def pytest_unconfigure():
        ours = sorted(name for name in sys.modules if name.startswith("pytest_foreignthread."))
        print("imported:", *(name.partition(".")[2] for name in ours))
"""
ORDINARY: Final = """
    import unittest

    import pytest

    @pytest.mark.parametrize("number", [1, 2])
    def test_function(number, tmp_path):
        assert number

    class TestMethods(unittest.TestCase):
        def test_method(self):
            pass
"""
ABORTS: Final = f"""{ORDINARY}
    import os

    @pytest.mark.foreign_thread(mode="main")
    def test_that_aborts():
        os.abort()
"""
MODES: Final = f"""{ORDINARY}
    pytestmark = pytest.mark.foreign_thread(mode=["main", "same"], isolation="session")
"""


def run(folder: Path, suite: str, *arguments: str) -> tuple[int, str]:
    """Return exit status and output of a run of pytest that has no option of this plugin but these."""
    (folder / "conftest.py").write_text(textwrap.dedent(CONFTEST), encoding="utf-8")
    (folder / "test_it.py").write_text(textwrap.dedent(suite), encoding="utf-8")
    command = run_command("-p", "no:cacheprovider", *arguments)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **FEW_PLUGINS, "PY_COLORS": "0", "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDLESS,
    )
    return done.returncode, done.stdout


def imported(output: str) -> frozenset[str]:
    return frozenset(output.rpartition("imported:")[2].split())


@pytest.mark.parametrize("arguments", [(), ("-k", "function"), ("--collect-only",), ("-n1",)], ids=" ".join)
# The others select fewer tests.
@pytest.mark.by_default("", "-n1")
def test_a_run_without_a_marked_test_imports_little(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, output = run(tmp_path, ORDINARY, *arguments)
    # xdist's controller has to be ready for what its workers write before they start.
    for_workers = {"run.started", "model.outcomes", "interop.xdist"} if "-n1" in arguments else set()
    assert (status, imported(output)) == (0, AT_START | for_workers), output


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["here", "worker"])
def test_a_marked_test_is_found(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    status, output = run(tmp_path, ABORTS, *arguments)
    assert status == 1
    assert "= CRASHES =" in output
    assert "CRASH test_it.py::test_that_aborts" in output
    assert "1 crash, 3 passed" in output.replace("3 passed, 1 crash", "1 crash, 3 passed")


def test_modes_are_found(tmp_path: Path) -> None:
    status, output = run(tmp_path, MODES, "-v")
    assert (status, "6 passed" in output) == (0, True), output


def test_a_fixture_is_enough(tmp_path: Path) -> None:
    suite = "def test_it(jvm):\n    assert jvm.isJVMStarted()\n"
    assert run(tmp_path, suite)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["-o", "foreign_thread_timeout=soon"], "ini key foreign_thread_timeout: expected a positive number"),
        (["--foreign-thread-ready=x"], "--foreign-thread-ready: expected a whole number"),
        (["--foreign-thread-update-baseline"], "expected --foreign-thread-baseline=FILE as well"),
    ],
    ids=["ini", "option", "two options"],
)
def test_a_bad_value_is_reported_without_a_marked_test(tmp_path: Path, arguments: list[str], problem: str) -> None:
    status, output = run(tmp_path, ORDINARY, *arguments)
    assert (status, problem in output) == (pytest.ExitCode.USAGE_ERROR, True), output


def test_a_bad_marker_is_reported_by_a_worker(tmp_path: Path) -> None:
    status, output = run(tmp_path, ABORTS.replace('"main"', '"nowhere"'), "-n1")
    assert "foreign_thread(mode='nowhere'): expected one of" in output
    assert status != 0


def test_the_package_gives_its_names() -> None:
    program = "from pytest_foreignthread import *; print(Segfault.__name__, foreign_thread(mode='pool').kwargs)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=ENDLESS)
    assert done.stdout == "Segfault {'mode': 'pool'}\n", done.stderr


def test_reports_of_several_workers_at_once_wake_it_once(pytester: pytest.Pytester) -> None:
    """Each worker's reports arrive on a thread of their own in xdist's controller."""
    config = pytester.parseconfigure("-p", "no:cacheprovider")
    of_test = pytest.TestReport("t.py::test", ("t.py", 0, "test"), {}, "passed", None, "call")
    put_on(of_test, ReportData())
    data = config.hook.pytest_report_to_serializable(config=config, report=of_test)
    threads = 8
    together = threading.Barrier(threads)

    def report() -> None:
        together.wait()
        config.hook.pytest_report_from_serializable(config=config, data=dict(data))

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(report) for _ in range(threads)]:
            done.result()
    assert config.pluginmanager.hasplugin("foreign_thread_run")
