"""A test that got hold of the child's end of the pipe: what it forges is an error of that test, and of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from .conftest import ENDLESS, RunSuite, SuiteRun, run_suite_in

SUITE: Final = """
    import itertools, math, os, threading, time
    import pytest
    from pytest_foreignthread.model.observation import *
    from pytest_foreignthread.model.outcomes import Phase

    pytestmark = [pytest.mark.forked, pytest.mark.foreign_thread(mode="python", timeout=TIMEOUT)]
    GONE = object()

    @pytest.fixture
    def send(request):
        return request.config.pluginmanager.getplugin("foreign_thread_child")._sender.send

    def forged(request, **fields):
        report = {
            "nodeid": request.node.nodeid, "location": list(request.node.location), "keywords": {}, "outcome": "passed",
            "longrepr": None, "when": "call", "sections": [], "duration": 0.1, "start": 1, "stop": 2,
            "user_properties": [], "$report_type": "TestReport", **fields,
        }
        return ReportMade({name: value for name, value in report.items() if value is not GONE})

    REPORTS = {
        "unknown type": {"$report_type": "Nope"},
        "of a collection": {"$report_type": "CollectReport"},
        "no location": {"location": GONE},
        "a location of one": {"location": ["t.py"]},
        "at lunch": {"when": "lunch"},
        "no outcome": {"outcome": None},
        "a list as text": {"longrepr": [1], "outcome": "failed"},
        "numbers as text": {"longrepr": {"reprcrash": 1, "reprtraceback": 2}, "outcome": "failed"},
        "sections": {"sections": [1]},
        "properties": {"user_properties": [1]},
        "keywords": {"keywords": 1},
        "no duration": {"duration": math.nan},
        "no node id": {"nodeid": 5},
        "of another test": {"nodeid": "test_it.py::test_other"},
        "a method": {"toterminal": 1, "outcome": "failed"},
        "ours": {"foreign_thread": 5},
        "ours, in its form": {"foreign_thread": {"outcome": "nope", "entry": 3}},
        "xdist's": {"node": 5},
        "a subtest": {"_report_type": "SubTestReport", "_subtest.context": 5},
        "carried": {"foreign_thread_carried": 5},
    }

    @pytest.mark.parametrize("case", REPORTS)
    def test_report(request, send, case):
        send(forged(request, **REPORTS[case]))

    def test_empty_report(send):
        send(ReportMade({}))

    MESSAGES = [
        JvmFailed("forged"), JvmAdopted("forged", ""), NotServed("forged"), SessionStopped("crash", "forged"),
        DebuggerEntered(False, math.nan), DebuggerEntered(True, 1e18), Tried("new", "passed", ""), TestEnded(),
        Finished(), PhaseStarted(Phase.JVM), PhaseStarted(Phase.TEARDOWN), PhaseStarted(Phase.SETUP),
        WarningRecorded("a", "b", "c", "/dev/zero", -4, "lunch"),
    ]

    @pytest.mark.parametrize("message", MESSAGES, ids=lambda one: type(one).__name__)
    def test_message(send, message):
        send(message)

    @pytest.mark.parametrize("at_terminal", [False, True])
    def test_debugger(send, at_terminal):
        send(DebuggerEntered(at_terminal, time.monotonic()))
        threading.Event().wait()

    def test_long_messages(send):
        for _ in itertools.repeat(None):
            send(WarningRecorded("a", "b", "c" * 100_000, "d", 1, "call"))

    def test_many_messages(send):
        for _ in itertools.repeat(None):
            send(ThreadNamed(1, 1, ""))

    def test_no_messages(send):
        descriptor = send.__self__.fileno()
        for _ in itertools.repeat(None):
            os.write(descriptor, b"x" * 100_000)

    BYTES = [b"half a message", b"\\0\\xff\\n" * 3, b"PhaseStarted\\t{}\\n", b"\\n\\n\\n"]

    @pytest.mark.parametrize("data", BYTES, ids=repr)
    def test_bytes(send, data):
        os.write(send.__self__.fileno(), data)

    def test_odd_warning(send):
        send(WarningRecorded("a\\0b", "C\\0\\ud800", "text", "/dev/zero", -4, "call"))

    def test_other():
        assert 0

    def test_sound():
        pass
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    suite = SUITE.replace("TIMEOUT", "3")
    return run_suite_in(tmp_path_factory.mktemp("forged"), suite, "-o", "foreign_thread_message_limit=1000000")


def test_the_run_goes_on(run: SuiteRun) -> None:
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.status == 1
    assert run.outcomes["test_other"] == "failed"
    assert run.outcomes["test_sound"] == "passed"
    assert len(run.tests) == len(run.document["tests"])


def test_a_forged_report_is_an_error_of_its_test(run: SuiteRun) -> None:
    forged = {name: entry for name, entry in run.tests.items() if name.startswith(("test_report", "test_empty"))}
    assert {name for name, entry in forged.items() if entry["outcome"] != "error"} == set()
    assert len(forged) == 21
    words = "sent a report that pytest-foreignthread cannot accept: expected "
    assert "expected one of passed, failed, skipped as 'outcome'" in forged["test_report[no outcome]"]["message"]
    assert "expected a report without 'foreign_thread'" in forged["test_report[ours]"]["message"]
    assert [name for name, entry in forged.items() if words not in entry["message"]] == []
    assert "got one of 'test_it.py::test_other'" in forged["test_report[of another test]"]["message"]


def test_a_forged_message_is_an_error_of_its_test(run: SuiteRun) -> None:
    forged = {name: entry for name, entry in run.tests.items() if name.startswith("test_message")}
    assert {name for name, entry in forged.items() if entry["outcome"] != "error"} == set()
    words = "sent a message that pytest-foreignthread cannot accept: expected "
    assert [name for name, entry in forged.items() if words not in entry["message"]] == []


def test_bytes_that_are_no_message_are_named_where_they_damage_one(run: SuiteRun) -> None:
    entries = {name: entry for name, entry in run.tests.items() if name.startswith("test_bytes")}
    assert len(entries) == 4
    damaged = entries.pop("test_bytes[b'half a message']")
    # What followed on the same line was the report.
    assert damaged["outcome"] == "error"
    assert "(pytest received 1 line that is no message: code in the child" in damaged["message"]
    assert {entry["outcome"] for entry in entries.values()} == {"passed"}


def test_a_forged_debugger_does_not_put_off_the_deadline(run: SuiteRun) -> None:
    assert (run.outcomes["test_debugger[False]"], run.outcomes["test_debugger[True]"]) == ("hang", "hang")


@pytest.mark.parametrize("name", ["test_long_messages", "test_many_messages", "test_no_messages"])
def test_a_flood_ends_the_child(run: SuiteRun, name: str) -> None:
    entry = run.tests[name]
    assert entry["outcome"] == "error"
    assert "sent more than 1000000 bytes of messages" in entry["message"]
    assert "raise foreign_thread_message_limit" in entry["message"]


def test_an_odd_warning_is_shown(run: SuiteRun) -> None:
    assert run.outcomes["test_odd_warning"] == "passed"
    assert "C\\0\\ud800: text" in run.output


WHOLE: Final = """
    import os, warnings
    import pytest
    from pytest_foreignthread.model.observation import Finished, PhaseStarted, ReportMade
    from pytest_foreignthread.model.outcomes import Phase

    pytestmark = pytest.mark.forked

    FIELDS = {
        "location": {"location": ["\\ud800\\0", 3, "\\ud800\\0"]},
        "url": {"url": "\\ud800"},
        "properties": {"user_properties": [["\\ud800", {"\\ud800": "\\ud800"}]]},
        "no text": {"outcome": "failed"},
        "sections": {"sections": [["Captured stdout call", "\\ud800"]], "outcome": "failed", "longrepr": "\\ud800"},
        "skip": {"outcome": "skipped"},
        "xfail": {"outcome": "skipped", "wasxfail": "\\ud800\\0"},
        "keywords": {"keywords": {"\\ud800": 1}},
        "more": {"\\ud800": 1, "worker_id": 3, "item_index": "x", "testrun_uid": []},
        "carried": {"foreign_thread_carried": {"count": 5}},
    }

    @pytest.mark.parametrize("name", FIELDS)
    def test_it(request, name):
        send = request.config.pluginmanager.getplugin("foreign_thread_child")._sender.send
        report = {
            "nodeid": request.node.nodeid, "location": list(request.node.location), "keywords": {}, "outcome": "passed",
            "longrepr": None, "sections": [], "duration": 0.1, "start": 1, "stop": 2, "user_properties": [],
            "$report_type": "TestReport", **FIELDS[name],
        }
        send(ReportMade({**report, "when": "call"}))
        send(PhaseStarted(Phase.TEARDOWN))
        send(ReportMade({**report, "when": "teardown"}))
        send(Finished())
        os._exit(0)

    def test_real():
        warnings.warn("\\ud800")
        raise ValueError("\\ud800")

    def test_sound():
        pass
"""
TAKES: Final = """
    def pytest_foreign_thread_carried(item, data):
        for one in (data or {}).get("count", ()):
            raise AssertionError("none was carried")
"""


@pytest.mark.parametrize("args", [("-v", "-ra", "--junitxml=x.xml", "-ojunit_family=xunit1"), ("-n1",)], ids=" ".join)
def test_a_whole_forged_test_says_no_more_than_of_itself(tmp_path: Path, args: tuple[str, ...]) -> None:
    run = run_suite_in(tmp_path, {"test_it.py": WHOLE, "conftest.py": TAKES}, *args)
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.status == 1
    assert run.outcomes.pop("test_real") == "failed"
    found = {name.partition("[")[2].rstrip("]"): outcome for name, outcome in run.outcomes.items()}
    passed = dict.fromkeys(["location", "url", "properties", "keywords", "more", "carried", ""], "passed")
    assert found == {**passed, "no text": "failed", "sections": "failed", "skip": "skipped", "xfail": "xfailed"}
    # What the hook was handed it could not take: one error more, of that test.
    assert "ERROR at teardown of test_it[carried]" in run.output


def test_a_forged_end_of_the_run_in_a_shared_child_ends_no_other_test(tmp_path_factory: pytest.TempPathFactory) -> None:
    suite = """
        import gc, os
        import pytest
        from pytest_foreignthread.model.observation import Finished, JvmFailed, TestEnded
        from pytest_foreignthread.channel.wire import Sender

        pytestmark = pytest.mark.foreign_thread(mode="main", isolation="session")

        def sender():
            own = lambda one: type(one) is Sender and one._owner_pid == os.getpid()
            return next(one for one in gc.get_objects() if own(one))

        def test_first():
            pass

        FORGED = {"TestEnded": TestEnded(), "Finished": Finished(), "JvmFailed": JvmFailed("forged")}

        @pytest.mark.parametrize("message", FORGED.values(), ids=FORGED)
        def test_forged(message):
            sender().send(message)

        def test_last():
            pass
    """
    run = run_suite_in(tmp_path_factory.mktemp("shared"), suite)
    assert run.outcomes == {
        "test_first": "passed",
        "test_forged[TestEnded]": "error",
        "test_forged[Finished]": "error",
        "test_forged[JvmFailed]": "error",
        "test_last": "passed",
    }


NEIGHBOURS: Final = """
    import gc, json, os, threading
    import pytest
    from pytest_foreignthread.channel.wire import Sender

    pytestmark = pytest.mark.foreign_thread(mode="python", isolation="session")

    def message(kind, **fields):
        return kind.encode() + b"\\t" + json.dumps(fields).encode() + b"\\n"

    def report(nodeid, when):
        fields = {"nodeid": nodeid, "location": ["x", 1, "y"], "keywords": {}, "outcome": "passed", "when": when}
        more = {"longrepr": None, "sections": [], "user_properties": [], "duration": 0.1, "start": 0, "stop": 0}
        sent = fields | more | {"$report_type": "TestReport"}
        return message("ReportMade", report=sent, exceptions=[], elsewhere=None)

    def whole(nodeid):
        phases = [message("PhaseStarted", phase=one) + report(nodeid, one) for one in ("setup", "call", "teardown")]
        return b"".join(phases) + message("TestEnded")

    def forge(data):
        own = lambda one: type(one) is Sender and one._owner_pid == os.getpid()
        os.write(next(one for one in gc.get_objects() if own(one)).fileno(), data)

    def test_first():
        pass

    def test_forges(request):
        here = request.node.nodeid
        own = report(here, "call") + message("PhaseStarted", phase="teardown") + report(here, "teardown")
        others = [whole(here.replace("test_forges", name)) for name in ("test_fails", "test_dies")]
        forge(own + message("TestEnded") + b"".join(others))
        threading.Event().wait()

    def test_fails():
        assert False

    def test_dies():
        os._exit(7)

    def test_ends_twice(request):
        here = request.node.nodeid
        own = report(here, "call") + message("PhaseStarted", phase="teardown") + report(here, "teardown")
        forge(own + message("TestEnded") + message("TestEnded"))

    def test_last():
        pass
"""


def test_a_test_in_a_shared_child_passes_no_other_test(run_suite: RunSuite) -> None:
    """The child has no order for another test when it says that this one has ended."""
    ran = run_suite(NEIGHBOURS)
    forged = dict.fromkeys(["test_forges", "test_ends_twice"], "error")
    others = {"test_first": "passed", "test_fails": "failed", "test_dies": "crash", "test_last": "passed"}
    assert ran.outcomes == forged | others
    assert (
        "expected no message after the end of the test, got the start of the setup"
        in ran.tests["test_forges"]["message"]
    )


LOUD: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="main", timeout={endless}, isolation="session")

    def test_loud():
        for _ in range(100):
            os.write(1, b"\\xff\\x00x" * 10_000)

    @pytest.fixture
    def loud():
        yield
        os.write(1, b"x" * 200_000)

    def test_loud_teardown(loud):
        pass

    def test_quiet():
        print("a word")
"""


def test_output_beyond_the_limit_is_a_failure_of_its_test(run_suite: RunSuite) -> None:
    """The child does not encode the output: that can take longer than the time limit of the test."""
    ran = run_suite(LOUD.format(endless=ENDLESS), "-o", "foreign_thread_message_limit=100000")
    assert ran.outcomes == {"test_loud": "failed", "test_loud_teardown": "error", "test_quiet": "passed"}
    words = "expected at most 100000 characters of captured output (foreign_thread_message_limit), got {}: write less"
    assert [ran.output.count(words.format(length)) for length in (3_000_000, 200_000)] == [1, 1]


SPOILED: Final = """
    import os
    import pytest

    OURS = {"outcome": None, "entry": None, "expect": {}, "text": "", "tail": "", "round": None}
    FORGED = {
        "test_ordinary": 5,
        "test_number": 5,
        "test_old_form": {"outcome": "nope", "entry": 3},
        "test_word": {**OURS, "outcome": "nope"},
        "test_entry": {**OURS, "entry": {"nodeid": 3}},
    }

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(report):
        name = report.nodeid.rpartition("::")[2]
        if name in FORGED and report.when in WHEN and "PYTEST_XDIST_WORKER" in os.environ:
            report.foreign_thread = FORGED[name]
"""
SPOILED_TESTS: Final = """
    import pytest

    pytestmark = pytest.mark.forked

    def test_sound(): pass
    def test_number(): pass
    def test_old_form(): pass
    def test_word(): pass
    def test_entry(): pass
"""


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_what_an_xdist_worker_sends_is_checked(run_suite: RunSuite, when: str) -> None:
    files = {"conftest.py": SPOILED.replace("WHEN", f"({when!r},)"), "test_it.py": SPOILED_TESTS}
    files["test_unmarked.py"] = "def test_ordinary(): pass"
    run = run_suite(files, "-n1", "-rfE")
    assert "INTERNALERROR" not in run.output + run.errors
    assert run.status == 1
    word = "FAILED" if when == "call" else "ERROR"
    reported = [line for line in run.output.splitlines() if line.startswith(f"{word} test_")]
    assert sorted(line.split()[1].rpartition("::")[2] for line in reported) == [
        *("test_entry", "test_number", "test_old_form", "test_ordinary", "test_word")
    ]
    refused = "an xdist worker sent a report that pytest-foreignthread cannot accept: foreign_thread: expected"
    assert run.output.count(refused) >= len(reported)
    assert run.outcomes["test_sound"] == "passed"
