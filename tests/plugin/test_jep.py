"""pytest inside jep, where Java has started Python; a module of that name stands for jep here."""

from __future__ import annotations

import textwrap
from typing import Final

import pytest

from .conftest import RunSuite

INSIDE: Final = "import sys, types\nsys.modules['_jep'] = types.ModuleType('_jep')\n"
TESTS: Final = """
    import sys, threading
    import pytest

    def test_ordinary(): assert "_jep" in sys.modules

    @pytest.mark.foreign_thread(mode=["main", "python", "native", "native-pool"])
    def test_without_java(): assert "jpype" not in sys.modules
"""
JAVA: Final = {
    "the marker": ("    @pytest.mark.foreign_thread\n    def test_java(): pass\n", "mode 'new' needs a JVM"),
    "a fixture": (
        "    @pytest.mark.foreign_thread(mode='native')\n    def test_java(jvm): pass\n",
        "one of its fixtures needs a JVM",
    ),
}


def test_forked_and_native_tests_run(run_suite: RunSuite) -> None:
    run = run_suite({"conftest.py": INSIDE, "test_it.py": TESTS})
    assert (run.status, run.closing_line) == (0, "5 passed"), run.output
    assert {entry["start"] for entry in run.tests.values()} == {"fork"}


@pytest.mark.parametrize("kind", JAVA)
def test_a_mode_of_java_is_one_error_at_the_start(run_suite: RunSuite, kind: str) -> None:
    source, what = JAVA[kind]
    run = run_suite({"conftest.py": INSIDE, "test_it.py": TESTS + source})
    assert run.status == pytest.ExitCode.USAGE_ERROR
    (error,) = [line for line in run.errors.splitlines() if line]
    assert error.startswith(f"ERROR: test_it.py::test_java: {what}, and pytest runs inside jep: no child can use the")
    assert "choose a mode that needs none (main, python, native, native-pool)" in error
    assert error.endswith("or set foreign_thread_start = spawn, which runs all foreign-thread tests in fresh "
                          "interpreters, with a JVM of JPype's and without jep")  # fmt: skip


CHECKED: Final = """
    import sys
    import pytest

    @pytest.mark.foreign_thread(mode="new", check="dev")
    def test_java(): assert "_jep" not in sys.modules

    @pytest.mark.foreign_thread(mode="native", check="malloc")
    def test_fixture(jvm): assert "_jep" not in sys.modules
"""


def test_a_checker_that_needs_a_fresh_interpreter_leaves_jep_behind(run_suite: RunSuite) -> None:
    # A fresh interpreter is no child of Java's.
    first = "import os\nif 'FIRST' not in os.environ:\n    os.environ['FIRST'] = ''\n"
    files = {"conftest.py": first + textwrap.indent(INSIDE, "    "), "test_it.py": CHECKED}
    run = run_suite(files)
    assert (run.status, run.closing_line) == (0, "2 passed"), run.output
    assert {entry["start"] for entry in run.tests.values()} == {"spawn"}


@pytest.mark.parametrize("arguments", [("--foreign-thread-check=jni",), ("--foreign-thread-start=fork",)])
def test_other_checkers_and_forks_stay_inside_jep(run_suite: RunSuite, arguments: tuple[str, ...]) -> None:
    source = (
        CHECKED if arguments[0].endswith("fork") else CHECKED.replace('"malloc"', '"jni"').replace('"dev"', '"jni"')
    )
    run = run_suite({"conftest.py": INSIDE, "test_it.py": source}, *arguments)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    (error,) = [line for line in run.errors.splitlines() if line]
    assert error.startswith(
        "ERROR: test_it.py::test_java (and 1 more): mode 'new' needs a JVM, and pytest runs inside jep"
    )


def test_fresh_interpreters_have_a_jvm_and_no_jep(run_suite: RunSuite) -> None:
    # A fresh interpreter is no child of Java's.
    first = "import os\nif 'FIRST' not in os.environ:\n    os.environ['FIRST'] = ''\n"
    conftest = first + textwrap.indent(INSIDE, "    ")
    tests = "import pytest, sys\n@pytest.mark.foreign_thread\ndef test_java(): assert '_jep' not in sys.modules\n"
    run = run_suite({"conftest.py": conftest, "test_it.py": tests}, "--foreign-thread-start=spawn")
    assert (run.status, run.closing_line) == (0, "1 passed"), run.output
