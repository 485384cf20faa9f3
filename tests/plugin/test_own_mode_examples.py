"""examples/own_modes: callbacks from threads of GLib's, C++, Cython, Rust and Qt's, wherever the library is."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ..docs_pages import variables
from .conftest import SuiteRun, run_suite_in

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "own_modes"
PAGE: Final = EXAMPLE.parents[1] / "docs" / "how-to" / "native-extension.md"
LOST: Final = {
    **dict.fromkeys(("glib", "cpp", "cython", "rust"), "thread-affine"),
    "qt": "thread-local-lost",
}
"""What becomes of a session that one callback began: the pool calls the next one on the same thread."""
BUILT: Final = {"cpp": "cpp_threads", "cython": "cython_threads", "rust": "pyo3_threads"}
"""The extension module of each mode whose module has to be built, which takes ten times as long as the run."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    """A run without the extension modules."""
    return run_in(copied_to(tmp_path_factory.mktemp("example")))


def copied_to(folder: Path) -> Path:
    copied = folder / "own_modes"
    made = ("__pycache__", "*.so", "target", "Cargo.lock")
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns(*made, "README.md"))
    return copied


def run_in(folder: Path) -> SuiteRun:
    # Qt looks for no screen.
    return run_suite_in(folder, {}, "--foreign-thread-jvm=none", env={"QT_QPA_PLATFORM": "offscreen"})


@pytest.mark.parametrize("mode", [mode for mode in LOST if mode not in BUILT])
def test_a_library_calls_python(ran: SuiteRun, mode: str) -> None:
    if ran.outcomes[f"test_within_one_callback[{mode}]"] == "skipped":
        is_missing = mode == "glib" or importlib.util.find_spec("PySide6") is None
        assert is_missing, ran.output
        pytest.skip("PySide6 is not installed: it takes 200 MB" if mode == "qt" else "libglib-2.0.so.0 is not there")
    _check(ran, mode)


def test_the_control_passes(ran: SuiteRun) -> None:
    assert {outcome for name, outcome in ran.outcomes.items() if name.endswith("[main]")} == {"passed"}


@pytest.mark.parametrize("mode", BUILT)
def test_a_mode_is_skipped_until_its_module_is_built(ran: SuiteRun, mode: str) -> None:
    assert {outcome for name, outcome in ran.outcomes.items() if name.endswith(f"[{mode}]")} == {"skipped"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return the directory, and for each extension module that could not be built the reason."""
    folder = copied_to(tmp_path_factory.mktemp("built"))
    done = subprocess.run([sys.executable, "build.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, dict(re.findall(r"(?m)^(\w+) cannot be built: (.*)$", done.stdout))


@pytest.fixture(scope="module")
def ran_built(built: tuple[Path, dict[str, str]]) -> SuiteRun:
    return run_in(built[0])


@pytest.mark.thorough
@pytest.mark.parametrize("mode", BUILT)
def test_an_extension_module_calls_python(built: tuple[Path, dict[str, str]], ran_built: SuiteRun, mode: str) -> None:
    if BUILT[mode] in built[1]:
        pytest.skip(built[1][BUILT[mode]])
    _check(ran_built, mode)


AT_EXIT: Final = """
import threading, time
import pytest

class Slow:
    def __del__(self, sleep=time.sleep): sleep(0.5)

SLOW = Slow()

@pytest.mark.foreign_thread(mode=["main", "native"], finalize=True)
def test_thread_runs_on():
    import cpp_threads
    begun = threading.Event()
    def work():
        begun.set()
        while True:
            time.sleep(0.001)
    cpp_threads.call_on_thread(work)
    begun.wait()
"""


@pytest.mark.thorough
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Python stops such a thread from 3.14 on, and unwinds no stack")
def test_a_thread_of_pybind11_that_calls_python_at_the_end(built: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    if "cpp_threads" in built[1]:
        pytest.skip(built[1]["cpp_threads"])
    (module,) = built[0].glob("cpp_threads*.so")
    shutil.copy(module, tmp_path)
    ran = run_suite_in(tmp_path, {"test_it.py": AT_EXIT}, "--foreign-thread-jvm=none")
    # The handler of SIGABRT may crash in its turn.
    assert set(ran.outcomes.values()) <= {"crash", "segfault"}, ran.output
    assert {entry["diagnosis"]["code"] for entry in ran.tests.values()} == {"callback-at-exit"}, ran.output


def follow(heading: str, folder: Path) -> None:
    """Do what the section of the page with this heading says, and compare what it shows."""
    (section,) = re.findall(rf"(?ms)^##+ {re.escape(heading)}\n.*?(?=^##+ |\Z)", PAGE.read_text(encoding="utf-8"))
    page = folder / "section.md"
    page.write_text(section, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, PAGE.parents[1] / "follow.py", page],
        env={**os.environ, **variables()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_the_section_without_a_library_does_what_it_says(tmp_path: Path) -> None:
    follow("Begin with the modes that are there", tmp_path)


@pytest.mark.parametrize(("heading", "mode"), [("GLib, with ctypes", "glib"), ("Qt, with PySide6", "qt")])
def test_the_section_of_a_library_does_what_it_says(ran: SuiteRun, tmp_path: Path, heading: str, mode: str) -> None:
    if ran.outcomes[f"test_within_one_callback[{mode}]"] == "skipped":
        pytest.skip(f"the library of mode {mode!r} is not there")
    follow(heading, tmp_path)


# Rust's is left out: maturin would install its module into the environment of the tests.
@pytest.mark.thorough
@pytest.mark.parametrize(("heading", "mode"), [("C++, with pybind11", "cpp"), ("C, with Cython", "cython")])
def test_the_section_of_an_extension_module_does_what_it_says(
    built: tuple[Path, dict[str, str]], tmp_path: Path, heading: str, mode: str
) -> None:
    if BUILT[mode] in built[1] or shutil.which("c++") is None:
        pytest.skip(built[1].get(BUILT[mode], "no c++"))
    follow(heading, tmp_path)


def _check(ran: SuiteRun, mode: str) -> None:
    assert ran.outcomes[f"test_within_one_callback[{mode}]"] == "passed", ran.output
    assert ran.outcomes[f"test_where_it_runs[{mode}]"] == "passed", ran.output
    entry = ran.tests[f"test_from_one_callback_to_the_next[{mode}]"]
    assert (entry["outcome"], entry["diagnosis"]["code"]) == ("failed", LOST[mode]), ran.output
