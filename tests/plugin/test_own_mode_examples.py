"""examples/own_modes: callbacks from threads of GLib's, of C++ and of Qt's, wherever the library is."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from .conftest import SuiteRun, run_suite_in

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "own_modes"
LOST: Final = {"glib": "thread-affine", "cpp": "thread-affine", "qt": "thread-local-lost"}
"""What becomes of a session that one callback began: the pool calls the next one on the same thread."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    """A run without the extension module of C++, which takes ten times as long to build as the run takes."""
    return run_in(copied_to(tmp_path_factory.mktemp("example")))


def copied_to(folder: Path) -> Path:
    copied = folder / "own_modes"
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns("__pycache__", "*.so", "README.md"))
    return copied


def run_in(folder: Path) -> SuiteRun:
    # Qt looks for no screen.
    return run_suite_in(folder, {}, "--foreign-thread-jvm=none", env={"QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.parametrize("mode", ["glib", "qt"])
def test_a_library_calls_python(ran: SuiteRun, mode: str) -> None:
    _skip_without_the_library(ran, mode)
    _check(ran, mode)


@pytest.mark.thorough
def test_a_thread_of_cpp_calls_python(tmp_path: Path) -> None:
    folder = copied_to(tmp_path)
    done = subprocess.run([sys.executable, "build.py"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and (reason := re.search(r"cpp_threads cannot be built: (.*)", done.stderr)):
        pytest.skip(reason[1])
    assert done.returncode == 0, done.stderr
    _check(run_in(folder), "cpp")


def test_the_mode_of_cpp_is_skipped_until_it_is_built(ran: SuiteRun) -> None:
    assert {outcome for name, outcome in ran.outcomes.items() if name.endswith("[cpp]")} == {"skipped"}


def _check(ran: SuiteRun, mode: str) -> None:
    assert ran.outcomes[f"test_within_one_callback[{mode}]"] == "passed", ran.output
    assert ran.outcomes[f"test_where_it_runs[{mode}]"] == "passed", ran.output
    entry = ran.tests[f"test_from_one_callback_to_the_next[{mode}]"]
    assert (entry["outcome"], entry["diagnosis"]["code"]) == ("failed", LOST[mode]), ran.output


def test_the_control_passes(ran: SuiteRun) -> None:
    assert {outcome for name, outcome in ran.outcomes.items() if name.endswith("[main]")} == {"passed"}


def _skip_without_the_library(ran: SuiteRun, mode: str) -> None:
    if ran.outcomes[f"test_within_one_callback[{mode}]"] != "skipped":
        return
    is_missing = mode == "glib" or importlib.util.find_spec("PySide6") is None
    assert is_missing, ran.output
    pytest.skip("PySide6 is not installed: it takes 200 MB" if mode == "qt" else "libglib-2.0.so.0 is not there")
