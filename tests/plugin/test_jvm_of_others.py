"""A JVM in the pytest process, or in a fresh interpreter, that something else than JPype has started."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from .conftest import RunSuite, current_thread

BY_CTYPES: Final = Path(__file__).with_name("jvm_by_ctypes.py").read_text(encoding="utf-8")
AT_EXIT: Final = """
import atexit
import jvm_by_ctypes

atexit.register(lambda: print("at exit:", jvm_by_ctypes.null_check()))
"""
AT_IMPORT: Final = AT_EXIT + "jvm_by_ctypes.start()\n"
IN_CONFIGURE: Final = AT_EXIT + "def pytest_configure(): jvm_by_ctypes.start()\n"
AT_SESSION_START: Final = AT_EXIT + "def pytest_sessionstart(): jvm_by_ctypes.start()\n"
FIXTURE: Final = f"""{AT_EXIT}
import pytest

@pytest.fixture(scope="session", autouse=True)
def java(): jvm_by_ctypes.start()
"""
BY_PYJNIUS: Final = f"{AT_EXIT}\ndef pytest_sessionstart(): import jnius\n"
PLACES: Final = {
    "a conftest": AT_IMPORT,
    "pytest_configure": IN_CONFIGURE,
    "pytest_sessionstart": AT_SESSION_START,
    "a fixture": FIXTURE,
    "an import of jnius": BY_PYJNIUS,
}
ORDINARY: Final = "import jvm_by_ctypes\ndef test_java(): assert jvm_by_ctypes.null_check()\n"
CRASHES: Final = "import ctypes\ndef test_crashes(): ctypes.string_at(0)\n"
FOREIGN: Final = "import pytest\n@pytest.mark.foreign_thread\ndef test_foreign(): pass\n"
TELLS: Final = re.compile(r"this test needs JPype, its process has a JVM that (.*) \(/.*/libjvm\.so\)")
NO_MEMORY: Final = """
import os

def pwrite(*_): raise PermissionError(1, "no")

os.pwrite = pwrite
"""


def suite(conftest: str, tests: str) -> dict[str, str]:
    jnius = "import jvm_by_ctypes\njvm_by_ctypes.start()\n"
    return {"jvm_by_ctypes.py": BY_CTYPES, "jnius.py": jnius, "conftest.py": conftest, "test_it.py": tests}


@pytest.mark.parametrize("environment", [{}, {"PYTHONFAULTHANDLER": "1"}], ids=["", "faulthandler before pytest"])
@pytest.mark.parametrize("conftest", PLACES.values(), ids=PLACES)
# The others load the same library at another time, and faulthandler in pytest.
@pytest.mark.by_default("a fixture-faulthandler before pytest")
def test_the_end_of_the_run_is_no_segfault(run_suite: RunSuite, conftest: str, environment: dict[str, str]) -> None:
    run = run_suite(suite(conftest, ORDINARY), env=environment)
    assert (run.status, run.errors) == (0, "")
    assert "1 passed" in run.output
    assert run.output.endswith("at exit: True\n")


def test_pytest_may_have_its_way(run_suite: RunSuite) -> None:
    """This is what the others would see, had this plugin done nothing."""
    run = run_suite({**suite(FIXTURE, ORDINARY), "pytest.ini": "[pytest]\nforeign_thread_faulthandler = pytest\n"})
    assert "1 passed" in run.output
    assert run.status == -signal.SIGSEGV


@pytest.mark.parametrize("place", ["a conftest", "pytest_configure", "an import of jnius"])
def test_a_crash_leaves_hs_err_and_pythons_stacks(run_suite: RunSuite, place: str) -> None:
    run = run_suite(suite(PLACES[place], CRASHES))
    assert run.status == -signal.SIGABRT
    assert re.search(r'test_it.py", line \d+ in test_crashes', run.errors)
    (hs_err,) = run.folder.glob("hs_err_pid*.log")
    assert "SIGSEGV" in hs_err.read_text()


@pytest.mark.parametrize("place", ["pytest_sessionstart", "a fixture"])
def test_a_crash_of_a_late_one_leaves_pythons_stacks(run_suite: RunSuite, place: str) -> None:
    """HotSpot found faulthandler when it started, and hands the fault to it."""
    run = run_suite(suite(PLACES[place], CRASHES))
    assert run.status == -signal.SIGSEGV
    assert run.errors.count("Fatal Python error") == 1
    assert re.search(r'test_it.py", line \d+ in test_crashes', run.errors)


@pytest.mark.parametrize("place", PLACES)
# As above.
@pytest.mark.by_default("a conftest", "an import of jnius")
def test_a_crash_behind_the_run_ends_the_process(run_suite: RunSuite, place: str) -> None:
    """HotSpot must not hand it to a faulthandler that does nothing: it would meet the same fault without end."""
    crashes = "\nimport ctypes\natexit.register(ctypes.string_at, 0)\n"
    run = run_suite(suite(PLACES[place] + crashes, ORDINARY))
    assert "1 passed" in run.output
    assert run.status in (-signal.SIGSEGV, -signal.SIGABRT)


def test_tests_run_in_fresh_interpreters(run_suite: RunSuite) -> None:
    """The one that an ordinary test has started is not there."""
    tests = f"import jvm_by_ctypes\ndef test_starts(): jvm_by_ctypes.start()\n{FOREIGN}"
    run = run_suite({"jvm_by_ctypes.py": BY_CTYPES, "test_it.py": tests})
    assert (run.status, run.closing_line) == (0, "2 passed"), run.output
    assert run.tests["test_foreign"]["start"] == "spawn"
    line = r"1 test ran in a fresh interpreter: a JVM that JPype did not start \(/.*/libjvm.so\) runs"
    assert re.search(line, run.output)


@pytest.mark.parametrize("place", PLACES)
# The others load the same library at another time; tests/plugin/test_pyjnius.py has a JVM of PyJNIus's own.
@pytest.mark.by_default("a conftest")
def test_jpype_takes_one_that_is_there(run_suite: RunSuite, place: str) -> None:
    tests = "import pytest\n@pytest.mark.foreign_thread(mode=['same', 'new', 'pool'])\ndef test_foreign(): pass\n"
    ordinary = "\ndef test_ordinary(): pass\n"
    run = run_suite(suite(PLACES[place], tests + ordinary), "--foreign-thread-start=spawn")
    assert run.status == 0, run.output
    assert " 4 passed in " in run.output


@pytest.mark.parametrize("conftest", [AT_IMPORT, BY_PYJNIUS], ids=["a conftest", "an import of jnius"])
@pytest.mark.by_default("an import of jnius")
def test_one_that_jpype_cannot_take_is_named(run_suite: RunSuite, conftest: str) -> None:
    """In an error of the test that needs JPype; the run goes on."""
    ordinary = "\ndef test_ordinary(): pass\n"
    run = run_suite(suite(NO_MEMORY + conftest, FOREIGN + ordinary), "--foreign-thread-start=spawn")
    assert " 1 passed, 1 error in " in run.output
    found = TELLS.search(run.output)
    assert found
    assert found[1] == ("PyJNIus started" if conftest == BY_PYJNIUS else "JPype did not start")
    assert "foreign_thread_jvm_args" not in run.output
    assert "JPype cannot take that one: /proc/self/mem cannot be written: [Errno 1] no" in run.output


def test_a_fork_that_is_asked_for_is_refused(run_suite: RunSuite) -> None:
    run = run_suite(suite(AT_IMPORT, FOREIGN), "--foreign-thread-start=fork")
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "jvm-before-fork: a JVM that JPype did not start (/" in run.errors
    assert "let no conftest and no other test start it (https://" in run.errors


def test_the_header_names_it(run_suite: RunSuite) -> None:
    run = run_suite(suite(BY_PYJNIUS, FOREIGN))
    assert "\nforeign-thread: tests run in fresh interpreters: a JVM that PyJNIus started (/" in run.output


def test_a_forked_test_needs_no_jvm(run_suite: RunSuite) -> None:
    run = run_suite(suite(AT_IMPORT, FOREIGN.replace("foreign_thread", "forked")))
    assert (run.status, run.outcomes) == (0, {"test_foreign": "passed"})


STAND_IN: Final = """
typedef int jint;
typedef void *JavaVM;
static jint (*created)(JavaVM *, jint, jint *);
void set_created(void *function) { created = (jint (*)(JavaVM *, jint, jint *)) function; }
jint JNI_GetCreatedJavaVMs(JavaVM *machines, jint most, jint *number) { return created(machines, most, number); }
jint JNI_CreateJavaVM(JavaVM *machine, void **environment, void *arguments) {
  jint number = 0;
  if (created(machine, 1, &number) || number < 1) return -1;
  jint (**table)(JavaVM, void **, jint) = *(jint (***)(JavaVM, void **, jint)) *machine;
  return table[6](*machine, environment, 0x00010008); /* GetEnv */
}
"""
ATTACHES_JPYPE: Final = """
import ctypes
from pathlib import Path
import jpype
import jvm_by_ctypes

jar = str(Path(jpype.__file__).resolve().parent.parent / "org.jpype.jar")
jvm_by_ctypes.start(f"-Djava.class.path={jar}")
created = ctypes.CDLL(str(jvm_by_ctypes.LIBRARY)).JNI_GetCreatedJavaVMs
ctypes.CDLL("./stand_in.so").set_created(ctypes.cast(created, ctypes.c_void_p))
jpype.startJVM(jvmpath="./stand_in.so", classpath=[jar])
"""


def test_one_that_the_project_attaches_jpype_to_serves(run_suite: RunSuite, tmp_path: Path) -> None:
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("the library that stands in for libjvm needs a compiler of C")
    (tmp_path / "stand_in.c").write_text(STAND_IN)
    subprocess.run([compiler, "-shared", "-fPIC", "stand_in.c", "-o", "stand_in.so"], cwd=tmp_path, check=True)
    tests = """
import ctypes
import pytest
from jvm_by_ctypes import null_check

def test_ordinary(): assert null_check()

@pytest.mark.foreign_thread(mode="main")
def test_main(jvm): assert null_check()

@pytest.mark.foreign_thread
def test_crashes(): ctypes.string_at(0)
"""
    run = run_suite(suite(ATTACHES_JPYPE, tests))
    assert run.outcomes == {"test_main": "passed", "test_crashes": "segfault"}
    assert (run.tests["test_crashes"]["signal"], current_thread(run.tests["test_crashes"])) == ("SIGSEGV", "foreign-1")
    assert "hs_err" in run.tests["test_crashes"]["artifacts"]
    assert run.closing_line == "2 passed, 1 segfault"
