"""A tool that is missing or refused: the report says which, and what would allow it, and the rest still comes."""

from __future__ import annotations

import pytest

from .conftest import SuiteRun, functions, run_suite_in

pytestmark = pytest.mark.usefixtures("with_native_stacks")

SUITE = {
    "conftest.py": """
        import sys

        sys.modules["pystack"] = None  # as where it is not installed
    """,
    "test_it.py": """
        import ctypes
        import threading

        import pytest

        @pytest.mark.foreign_thread
        def test_segfault():
            ctypes.string_at(0)

        @pytest.mark.foreign_thread(timeout=1)
        def test_hang():
            threading.Event().wait()

        @pytest.mark.foreign_thread(timeout=1, jvm_args="-XX:+DisableAttachMechanism")
        def test_hang_without_attach():
            threading.Event().wait()
    """,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("missing"), SUITE)


@pytest.mark.parametrize("test", ["test_segfault", "test_hang"])
def test_pystack_is_not_installed(run: SuiteRun, test: str) -> None:
    entry = run.tests[test]
    assert "pip install 'pytest-foreignthread[native]'" in entry["missing"]["native"]
    assert test in functions(entry, "python", current=True)
    assert "java.lang.Thread.run" in functions(entry, "java", current=True)


def test_the_jvm_may_not_be_attached_to(run: SuiteRun) -> None:
    entry = run.tests["test_hang_without_attach"]
    assert "-XX:+DisableAttachMechanism" in entry["missing"]["java_dump"]
    assert entry["outcome"] == "hang"
    assert "test_hang_without_attach" in functions(entry, "python", current=True)


def test_the_text_says_so(run: SuiteRun) -> None:
    assert run.output.count("not available: native: pystack is not installed") == 3
    assert run.output.count("not available: java_dump: ") == 1


def test_the_same_with_pystack_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who does not want native stacks is not told that they are missing."""
    suite = {"test_it.py": SUITE["test_it.py"]}
    off = ["--foreign-thread-native=off", "-k", "segfault"]
    entry = run_suite_in(tmp_path_factory.mktemp("off"), suite, *off).tests["test_segfault"]
    assert "native" not in entry["missing"]
    assert "test_segfault" in functions(entry, "python", current=True)
