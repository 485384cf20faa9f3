"""What users rely on in pytest holds for deaths: exit status, -x, --lf, JUnit, xfail, xdist, the order of reports."""

from __future__ import annotations

import json
import re
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

HEAD: Final = """
    import ctypes, os, threading
    import pytest
    from pytest_foreignthread import ChildCrash, ForeignThreadError, Hang, NullResult, Segfault

    pytestmark = pytest.mark.foreign_thread(mode="python", timeout=1)

    def segfault():
        ctypes.string_at(0)

    def hang():
        threading.Event().wait()

    def null_result():
        raise SystemError("<built-in function f> returned NULL without setting an exception")

    def crash():
        os._exit(3)
"""

CRASHES: Final = (
    HEAD
    + """
    def test_passes():
        pass

    def test_dies():
        crash()

    def test_dies_too():
        null_result()

    def test_last():
        pass
"""
)

WITH_A_JVM: Final = ('mode="python"', 'mode="new"')
IN_NEW: Final = CRASHES.replace(*WITH_A_JVM)
MENDED: Final = CRASHES.replace("        crash()\n", "        pass\n")


def printed(run: SuiteRun) -> list[str]:
    """The tests' names and words in the order of `-v`."""
    return re.findall(r"^test_it\.py::(\w+ \w+)", run.output, re.MULTILINE)


def test_x(run_suite: RunSuite) -> None:
    run = run_suite(CRASHES, "-x", "-v")
    assert printed(run) == ["test_passes PASSED", "test_dies CRASH"]
    assert "stopping after 1 failures" in run.output
    assert run.status == 1
    assert run.closing_line == "1 passed, 1 crash"


def test_maxfail(run_suite: RunSuite) -> None:
    run = run_suite(CRASHES, "--maxfail=2", "-v")
    assert printed(run) == ["test_passes PASSED", "test_dies CRASH", "test_dies_too NULL_RESULT"]
    assert "stopping after 2 failures" in run.output
    assert run.status == 1


def test_last_failed_and_failed_first(run_suite: RunSuite) -> None:
    run_suite(CRASHES)
    first = run_suite(CRASHES, "--ff", "-v")
    assert printed(first) == [
        "test_dies CRASH",
        "test_dies_too NULL_RESULT",
        "test_passes PASSED",
        "test_last PASSED",
    ]
    again = run_suite(MENDED, "--lf", "-v")
    assert printed(again) == ["test_dies PASSED", "test_dies_too NULL_RESULT"]
    assert printed(run_suite(MENDED, "--lf", "-v")) == ["test_dies_too NULL_RESULT"]


def test_stepwise(run_suite: RunSuite) -> None:
    assert printed(run_suite(CRASHES, "--sw", "-v")) == ["test_passes PASSED", "test_dies CRASH"]
    assert printed(run_suite(MENDED, "--sw", "-v")) == ["test_dies PASSED", "test_dies_too NULL_RESULT"]
    assert printed(run_suite(MENDED, "--sw", "-v")) == ["test_dies_too NULL_RESULT"]


JUNIT: Final = (
    HEAD
    + """
    def test_passes(record_property):
        record_property("colour", "blue")

    @pytest.fixture
    def coloured(record_property):
        record_property("colour", "red")

    def test_dies(coloured):
        print("red \\x1b[31m, null \\x00, bell \\x07, \\ud800 and \\uffff")
        os.write(2, b"no utf-8: \\xff\\xfe, escape \\x1b")
        crash()

    def test_segfault():
        segfault()

    def test_hang():
        hang()

    def test_null_result():
        print("\\x1b[32mgreen\\x00")
        null_result()

    @pytest.fixture
    def dies_in_setup():
        crash()

    @pytest.fixture
    def dies_in_teardown():
        yield
        crash()

    def test_setup(dies_in_setup):
        pass

    def test_teardown(dies_in_teardown):
        pass

    @pytest.mark.xfail(raises=ChildCrash)
    def test_expected():
        crash()
"""
)


@pytest.fixture(scope="module")
def junit(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ElementTree.Element]:
    folder = tmp_path_factory.mktemp("junit")
    run_suite_in(folder, JUNIT, "--junitxml=junit.xml", "-o", "junit_logging=all")
    suite = ElementTree.parse(folder / "junit.xml").getroot()[0]
    return {f"{case.attrib['name']} {number}": case for number, case in enumerate(suite.iter("testcase"))}


def kinds(case: ElementTree.Element) -> list[str]:
    return [child.tag for child in case if child.tag in ("failure", "error", "skipped")]


def test_junit_has_a_testcase_per_test(junit: dict[str, ElementTree.Element]) -> None:
    assert [(name.partition(" ")[0], kinds(case)) for name, case in junit.items()] == [
        ("test_passes", []),
        ("test_dies", ["failure"]),
        ("test_segfault", ["failure"]),
        ("test_hang", ["failure"]),
        ("test_null_result", ["failure"]),
        ("test_setup", ["error"]),
        ("test_teardown", ["error"]),
        ("test_expected", ["skipped"]),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test_dies 1", "in call: exited with status 3"),
        ("test_segfault 2", "SIGSEGV"),
        ("test_hang 3", " in call: timed out after 1 s"),
        ("test_null_result 4", "returned NULL without setting an exception"),
        ("test_setup 5", "in setup: exited with status 3"),
        ("test_teardown 6", "in teardown: exited with status 3"),
    ],
)
def test_junit_has_the_text(junit: dict[str, ElementTree.Element], name: str, text: str) -> None:
    element = next(child for child in junit[name] if child.tag in ("failure", "error"))
    assert text in (element.text or "")


def test_junit_has_the_output_of_the_dead(junit: dict[str, ElementTree.Element]) -> None:
    out = junit["test_dies 1"].findtext("system-out") or ""
    assert "red #x1B[31m, null #x00, bell #x07" in out
    assert "no utf-8: \N{REPLACEMENT CHARACTER}" in (junit["test_dies 1"].findtext("system-err") or "")


@pytest.mark.parametrize("name", ["test_dies 1", "test_segfault 2", "test_hang 3", "test_setup 5", "test_teardown 6"])
def test_junit_has_documents_and_command_last(junit: dict[str, ElementTree.Element], name: str) -> None:
    element = next(child for child in junit[name] if child.tag in ("failure", "error"))
    *_, documents, command = (element.text or "").splitlines()
    assert documents.startswith("documents in ")
    assert command == f"rerun: pytest 'test_it.py::{name.partition(' ')[0]}'"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_passes 0", {"colour": "blue"}),
        # Those of a phase that has ended, where a child died, and the plugin's own.
        ("test_dies 1", {"colour": "red", "mode": "python", "outcome": "crash", "diagnosis": "exited"}),
        ("test_segfault 2", {"mode": "python", "outcome": "segfault"}),
        ("test_hang 3", {"mode": "python", "outcome": "hang"}),
        ("test_null_result 4", {"mode": "python", "outcome": "null_result", "diagnosis": "null-result"}),
        ("test_setup 5", {"mode": "python", "outcome": "crash", "diagnosis": "exited"}),
        ("test_teardown 6", {"mode": "python", "outcome": "crash", "diagnosis": "exited"}),
        ("test_expected 7", {}),
    ],
)
def test_junit_has_the_properties(junit: dict[str, ElementTree.Element], name: str, expected: dict[str, str]) -> None:
    properties = [(element.attrib["name"], element.attrib["value"]) for element in junit[name].iter("property")]
    assert [(name.removeprefix("foreign_thread_"), value) for name, value in properties] == list(expected.items())
    assert {name.partition("_")[0] for name, _ in properties} <= {"colour", "foreign"}


NULL_RESULTS: Final = (
    HEAD
    + """
    import sys
    if sys.version_info < (3, 11):
        from exceptiongroup import ExceptionGroup

    CAUSES = {
        "null, error": "<built-in function f> returned NULL without setting an error",
        "null, exception": "<built-in function f> returned NULL without setting an exception",
        "result, error": "<built-in function f> returned a result with an error set",
        "result, exception": "<built-in function f> returned a result with an exception set",
    }

    @pytest.mark.parametrize("text", CAUSES.values(), ids=CAUSES)
    def test_text(text):
        raise SystemError(text)

    @pytest.fixture
    def in_setup():
        null_result()

    @pytest.fixture
    def in_teardown():
        yield
        null_result()

    def test_setup(in_setup):
        pass

    def test_teardown(in_teardown):
        pass

    def test_behind_from():
        try:
            try:
                null_result()
            except SystemError as error:
                raise ValueError("inner") from error
        except ValueError as error:
            raise RuntimeError("outer") from error

    def test_group():
        try:
            null_result()
        except SystemError as error:
            raise ExceptionGroup("several", [ValueError("one"), error])

    class Definition(ctypes.Structure):
        _fields_ = [
            ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)
        ]

    def test_real():
        # A callback that returns None for a pointer returns NULL.
        function = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(lambda self, args: None)
        METH_NOARGS = 4
        definition = Definition(b"broken", ctypes.cast(function, ctypes.c_void_p), METH_NOARGS, None)
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
            ("PyCFunction_NewEx", ctypes.pythonapi)
        )
        new(ctypes.addressof(definition), None, None)()

    def test_plain_system_error():
        raise SystemError("bad argument to internal function")

    def test_text_of_another_exception():
        raise RuntimeError("<built-in function f> returned NULL without setting an exception")

    def test_expected_by_the_test():
        with pytest.raises(SystemError):
            null_result()

    def test_handled_before_another():
        try:
            null_result()
        except SystemError:
            assert False, "a context is no cause"
"""
)


@pytest.fixture(scope="module")
def null_results(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("null"), NULL_RESULTS)


@pytest.mark.parametrize(
    ("name", "outcome", "phase"),
    [
        ("test_text[null, error]", "null_result", "call"),
        ("test_text[null, exception]", "null_result", "call"),
        ("test_text[result, error]", "null_result", "call"),
        ("test_text[result, exception]", "null_result", "call"),
        ("test_setup", "null_result", "setup"),
        ("test_teardown", "null_result", "teardown"),
        ("test_behind_from", "null_result", "call"),
        ("test_group", "null_result", "call"),
        ("test_real", "null_result", "call"),
        ("test_plain_system_error", "failed", "call"),
        ("test_text_of_another_exception", "failed", "call"),
        ("test_expected_by_the_test", "passed", "call"),
        ("test_handled_before_another", "failed", "call"),
    ],
)
def test_null_result(null_results: SuiteRun, name: str, outcome: str, phase: str) -> None:
    found = null_results.tests[name]
    assert (found["outcome"], found["phase"]) == (outcome, phase)


def test_a_real_null_result_says_so(null_results: SuiteRun) -> None:
    wanted = "<built-in function broken> returned NULL without setting an exception"
    assert null_results.tests["test_real"]["message"] == wanted
    assert f"NULL_RESULT test_it.py::test_real - null-result: {wanted}" in null_results.output
    assert "new(ctypes.addressof(definition), None, None)()" in null_results.output


def test_null_results_are_counted(null_results: SuiteRun) -> None:
    """The teardown's beside the passed call, as pytest counts an error in teardown."""
    assert null_results.closing_line == "3 failed, 2 passed, 9 null_result"


EXPECTED: Final = (
    HEAD
    + """
    DEEDS = {"segfault": segfault, "hang": hang, "null_result": null_result, "crash": crash, "nothing": lambda: None}
    WRONG = {"segfault": Hang, "hang": NullResult, "null_result": ChildCrash, "crash": Segfault}
    RIGHT = {"segfault": Segfault, "hang": Hang, "null_result": NullResult, "crash": ChildCrash}

    def marked(deed, name, **kwargs):
        return pytest.param(deed, id=f"{deed}-{name}", marks=pytest.mark.xfail(**kwargs))

    @pytest.mark.parametrize("deed", [
        *(marked(deed, "own", raises=own, strict=True) for deed, own in RIGHT.items()),
        *(marked(deed, "base", raises=ForeignThreadError, strict=True) for deed in RIGHT),
        *(marked(deed, "among", raises=(KeyError, own), strict=True) for deed, own in RIGHT.items()),
        *(marked(deed, "wrong", raises=other, strict=True) for deed, other in WRONG.items()),
        *(marked(deed, "plain") for deed in RIGHT),
        marked("null_result", "SystemError", raises=SystemError),
        marked("crash", "false", condition=False, reason="never"),
        marked("nothing", "strict", raises=Segfault, strict=True),
        marked("nothing", "lenient", raises=Segfault),
    ])
    def test_it(deed):
        DEEDS[deed]()

    @pytest.fixture
    def dies():
        crash()

    @pytest.mark.xfail(raises=ChildCrash, strict=True)
    def test_setup(dies):
        pass
"""
)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("expected"), EXPECTED, "-rxXf")


DEEDS: Final = ("segfault", "hang", "null_result", "crash")


@pytest.mark.parametrize("name", ["own", "base", "among", "plain"])
@pytest.mark.parametrize("deed", DEEDS)
def test_an_expected_outcome_is_xfailed(expected: SuiteRun, deed: str, name: str) -> None:
    found = expected.tests[f"test_it[{deed}-{name}]"]
    assert (found["outcome"], found["phase"]) == ("xfailed", "call")
    assert found["signal"] == ("SIGSEGV" if deed == "segfault" else None)


@pytest.mark.parametrize("deed", DEEDS)
def test_another_outcome_than_the_expected_fails(expected: SuiteRun, deed: str) -> None:
    assert expected.outcomes[f"test_it[{deed}-wrong]"] == deed


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("test_it[null_result-SystemError]", "xfailed"),
        ("test_it[crash-false]", "crash"),
        ("test_it[nothing-strict]", "failed"),
        ("test_it[nothing-lenient]", "xpassed"),
        ("test_setup", "xfailed"),
    ],
)
def test_xfail(expected: SuiteRun, name: str, outcome: str) -> None:
    assert expected.outcomes[name] == outcome


def test_what_xfail_leaves_on_the_screen(expected: SuiteRun) -> None:
    assert "[XPASS(strict)]" in expected.output
    assert expected.closing_line == ("1 failed, 18 xfailed, 1 xpassed, 1 segfault, 1 hang, 1 null_result, 2 crash")
    assert expected.status == 1


@pytest.mark.skipif(pytest.version_tuple < (8, 3), reason="--xfail-tb came with pytest 8.3")
def test_xfail_tb_shows_the_stacks_of_a_death(run_suite: RunSuite) -> None:
    source = """
        import ctypes, pytest
        from pytest_foreignthread import Segfault

        @pytest.mark.foreign_thread(mode="native")
        @pytest.mark.xfail(raises=Segfault, reason="the bridge lets go too early")
        def test_it():
            ctypes.string_at(0)
    """
    run = run_suite(source, "--xfail-tb")
    assert run.closing_line == "1 xfailed"
    report = run.output.partition("= XFAILURES =")[2]
    assert 'segfault on native thread "native-1" in call' in report
    assert ", in test_it\n" in report
    assert "pytest_reports.py" not in report


def test_runxfail(run_suite: RunSuite) -> None:
    run = run_suite(
        HEAD
        + """
    @pytest.mark.xfail(raises=ChildCrash, strict=True)
    def test_dies():
        crash()

    @pytest.mark.xfail(raises=ChildCrash, run=False)
    def test_is_run():
        null_result()

    @pytest.mark.xfail(strict=True)
    def test_passes():
        pass
""",
        "--runxfail",
    )
    assert run.outcomes == {"test_dies": "crash", "test_is_run": "null_result", "test_passes": "passed"}


def test_what_is_not_to_be_run_needs_no_child(run_suite: RunSuite) -> None:
    """A JVM that refuses its arguments is not missed; the file tells whether a child was forked."""
    run = run_suite(
        HEAD.replace(*WITH_A_JVM)
        + """
    @pytest.fixture(autouse=True)
    def forked():
        open("forked", "w")

    @pytest.mark.xfail(run=False, reason="burns")
    def test_not_run():
        crash()

    @pytest.mark.skip(reason="later")
    def test_skip():
        crash()

    @pytest.mark.skipif("True", reason="it is so")
    def test_skipif():
        crash()
""",
        "--foreign-thread-jvm-args=-XX:NoSuchOption",
        "-rsx",
    )
    assert run.outcomes == {"test_not_run": "xfailed", "test_skip": "skipped", "test_skipif": "skipped"}
    assert run.closing_line == "2 skipped, 1 xfailed"
    not_run, *skipped = (entry["message"] for entry in run.document["tests"])
    # Before pytest 9.1 "reason: " stands in front.
    assert not_run.endswith("[NOTRUN] burns")
    assert skipped == ["Skipped: later", "Skipped: it is so"]
    assert re.search(r"^XFAIL .*test_it\.py::test_not_run - .*\[NOTRUN\] burns$", run.output, re.MULTILINE)
    assert not (run.folder / "forked").exists()
    assert run.status == 0


OUTCOMES: Final = (
    HEAD
    + """
    def test_passes():
        pass

    def test_fails():
        assert False

    def test_skips():
        pytest.skip("later")

    @pytest.mark.xfail(raises=Segfault)
    def test_xfails():
        segfault()

    @pytest.fixture
    def broken():
        raise KeyError("x")

    def test_errs(broken):
        pass

    def test_segfault():
        segfault()

    def test_hang():
        hang()

    def test_null_result():
        null_result()

    def test_crash():
        print("printed by crash")
        crash()

    @pytest.fixture
    def dies_late():
        yield
        crash()

    def test_dies_in_teardown(dies_late):
        pass

    def teardown_module():
        pass
"""
)
WORDS: Final = {
    "test_passes": "passed",
    "test_fails": "failed",
    "test_skips": "skipped",
    "test_xfails": "xfailed",
    "test_errs": "error",
    "test_segfault": "segfault",
    "test_hang": "hang",
    "test_null_result": "null_result",
    "test_crash": "crash",
    "test_dies_in_teardown": "crash",
}
LISTENER: Final = """
    import json
    import pytest

    class Listener:
        def __init__(self):
            self.events = []

        def pytest_runtest_logstart(self, nodeid):
            self.events.append(["start", nodeid.partition("::")[2]])

        def pytest_runtest_logreport(self, report):
            self.events.append([report.when, report.outcome, report.nodeid.partition("::")[2]])

        def pytest_runtest_logfinish(self, nodeid):
            self.events.append(["finish", nodeid.partition("::")[2]])

        def pytest_sessionfinish(self, session):
            open("seen.json", "w").write(json.dumps({"events": self.events, "failed": session.testsfailed}))

    def pytest_configure(config):
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(Listener())
"""


@pytest.fixture(scope="module", params=["alone", "xdist"])
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    args = ("-n2",) if request.param == "xdist" else ()
    files = {"test_it.py": OUTCOMES, "conftest.py": LISTENER}
    return run_suite_in(tmp_path_factory.mktemp("outcomes"), files, *args)


# tests/interop/test_xdist.py counts what workers report.
@pytest.mark.by_default("alone")
def test_every_outcome_is_in_the_report_once(outcomes: SuiteRun) -> None:
    assert len(outcomes.document["tests"]) == len(WORDS)
    assert outcomes.outcomes == WORDS


def test_every_outcome_is_on_the_screen(outcomes: SuiteRun) -> None:
    letters = re.search(r"^(?:test_it\.py )?([.FsxESHNC]+) +\[100%\]$", outcomes.output, re.MULTILINE)
    assert letters is not None
    assert sorted(letters[1]) == sorted(".FsxESHNC.C")
    for title in ("SEGFAULTS", "HANGS", "NULL RESULTS", "CRASHES", "FAILURES", "ERRORS"):
        assert len(re.findall(rf"^=+ {title} =+$", outcomes.output, re.MULTILINE)) == 1
    assert "printed by crash" in outcomes.output
    crash = r"CRASH test_it\.py::test_crash - exited: test_it\.py:\d+: exited with status 3 in call"
    assert re.search(crash, outcomes.output)
    counts = "1 failed, 2 passed, 1 skipped, 1 xfailed, 1 error, "
    assert outcomes.closing_line.startswith(counts)
    assert sorted(outcomes.closing_line.removeprefix(counts).split(", ")) == [
        "1 hang", "1 null_result", "1 segfault", "2 crash"
    ]  # fmt: skip
    assert outcomes.status == 1


def seen(run: SuiteRun) -> dict[str, Any]:
    noted: dict[str, Any] = json.loads((run.folder / "seen.json").read_text())
    return noted


PASSED: Final = ("setup", "passed")
TORN_DOWN: Final = ("teardown", "passed")


@pytest.mark.parametrize(
    ("name", "reports"),
    [
        ("test_passes", [PASSED, ("call", "passed"), TORN_DOWN]),
        ("test_fails", [PASSED, ("call", "failed"), TORN_DOWN]),
        ("test_skips", [PASSED, ("call", "skipped"), TORN_DOWN]),
        ("test_xfails", [PASSED, ("call", "skipped"), TORN_DOWN]),
        ("test_errs", [("setup", "failed"), TORN_DOWN]),
        ("test_segfault", [PASSED, ("call", "failed"), TORN_DOWN]),
        ("test_hang", [PASSED, ("call", "failed"), TORN_DOWN]),
        ("test_null_result", [PASSED, ("call", "failed"), TORN_DOWN]),
        ("test_crash", [PASSED, ("call", "failed"), TORN_DOWN]),
        ("test_dies_in_teardown", [PASSED, ("call", "passed"), ("teardown", "failed")]),
    ],
)
def test_the_reports_and_their_order(outcomes: SuiteRun, name: str, reports: list[tuple[str, str]]) -> None:
    events = [tuple(event[:-1]) for event in seen(outcomes)["events"] if event[-1] == name]
    assert events == [("start",), *reports, ("finish",)]


def test_failures_are_counted_by_the_session(outcomes: SuiteRun) -> None:
    failed = ("failed", "error", "segfault", "hang", "null_result", "crash")
    assert seen(outcomes)["failed"] == sum(word in failed for word in WORDS.values())


def test_x_under_xdist(run_suite: RunSuite) -> None:
    run = run_suite(CRASHES, "-n1", "-x")
    assert run.outcomes == {"test_passes": "passed", "test_dies": "crash"}
    assert "stopping after 1 failures" in run.output
    assert run.status in (1, 2)


@pytest.mark.parametrize(
    ("source", "args", "words"),
    [
        (
            CRASHES.replace(*WITH_A_JVM),
            ["--foreign-thread-jvm-args=-XX:NoSuchOption"],
            "Unrecognized VM option 'NoSuchOption'",
        ),
        (IN_NEW, ["--foreign-thread-jvm=no/such/jdk"], "no JVM there"),
        (CRASHES.replace("timeout=1", "timeout=-1"), [], "expected a positive number of seconds"),
        (CRASHES.replace("timeout=1", "timeuot=1"), [], "no such argument"),
    ],
    ids=["refused flag", "no JVM", "bad value", "bad argument"],
)
# The other errors are those of test_options.py, without xdist.
@pytest.mark.by_default("refused flag")
def test_usage_errors_under_xdist(run_suite: RunSuite, source: str, args: list[str], words: str) -> None:
    """As without it: one line that says what to change, not a worker that broke off."""
    run = run_suite(source, "-n2", *args)
    assert run.status == pytest.ExitCode.USAGE_ERROR, run.output + run.errors
    assert run.errors.startswith("ERROR: ")
    assert words in run.errors
    assert run.errors.count("ERROR") == 1
    assert "INTERNALERROR" not in run.output + run.errors
    assert "crashed" not in run.output + run.errors
    assert "Traceback" not in run.output + run.errors


def test_without_the_plugins_of_pytest_that_are_asked(run_suite: RunSuite) -> None:
    run = run_suite(CRASHES, "-p", "no:cacheprovider", "-p", "no:skipping", "-p", "no:warnings")
    assert run.closing_line == "2 passed, 1 crash, 1 null_result"
