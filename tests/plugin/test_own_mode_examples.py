"""examples/own_modes: callbacks from threads of GLib's, of C++, of Cython and of Qt's, wherever the library is."""

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
LOST: Final = {"glib": "thread-affine", "cpp": "thread-affine", "cython": "thread-affine", "qt": "thread-local-lost"}
"""What becomes of a session that one callback began: the pool calls the next one on the same thread."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "own_modes"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.so", "README.md"))
    return folder


@pytest.fixture(scope="module")
def not_built(copied: Path) -> dict[str, str]:
    """Return the mode of each extension module that could not be built, and the reason."""
    done = subprocess.run([sys.executable, "build.py"], cwd=copied, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"(?m)^(\w+)_threads cannot be built: (.*)$", done.stdout))


@pytest.fixture(scope="module")
def ran(copied: Path, not_built: dict[str, str]) -> SuiteRun:
    # Qt looks for no screen.
    return run_suite_in(copied, {}, "--foreign-thread-jvm=none", env={"QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.parametrize("mode", LOST)
def test_a_library_calls_python(ran: SuiteRun, not_built: dict[str, str], mode: str) -> None:
    _skip_without_the_library(ran, not_built, mode)
    assert ran.outcomes[f"test_within_one_callback[{mode}]"] == "passed", ran.output
    assert ran.outcomes[f"test_where_it_runs[{mode}]"] == "passed", ran.output
    entry = ran.tests[f"test_from_one_callback_to_the_next[{mode}]"]
    assert (entry["outcome"], entry["diagnosis"]["code"]) == ("failed", LOST[mode]), ran.output


def test_the_control_passes(ran: SuiteRun) -> None:
    assert {outcome for name, outcome in ran.outcomes.items() if name.endswith("[main]")} == {"passed"}


def _skip_without_the_library(ran: SuiteRun, not_built: dict[str, str], mode: str) -> None:
    if mode in not_built:
        pytest.skip(not_built[mode])
    if ran.outcomes[f"test_within_one_callback[{mode}]"] != "skipped":
        return
    is_missing = mode == "glib" or importlib.util.find_spec("PySide6") is None
    assert is_missing, ran.output
    pytest.skip("PySide6 is not installed: it takes 200 MB" if mode == "qt" else "libglib-2.0.so.0 is not there")
