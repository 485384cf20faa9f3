"""The fixtures, which thread runs which part of a test, and the exceptions that no one catches on a Java thread."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

CONFTEST: Final = """
    import threading, traceback
    import pytest

    def java_frames():
        import jpype
        return [str(frame) for frame in jpype.JClass("java.lang.Thread").currentThread().getStackTrace()]

    def is_under_java():
        return any("FutureTask.run" in frame for frame in java_frames())

    def is_main():
        return threading.current_thread() is threading.main_thread()

    def where():
        return ("main" if is_main() else "other") + (" under Java" if is_under_java() else "")
"""

THREADS: Final = """
    import sys, threading, unittest
    import pytest
    from conftest import where

    PLACES = {"main": "main", "same": "main under Java", "new": "other under Java", "pool": "other under Java"}
    each_mode = pytest.mark.foreign_thread(mode=list(PLACES))

    @pytest.fixture
    def mode(request):
        return request.node.callspec.params["_foreign_thread_mode"]

    @pytest.fixture(params=["function", "session"])
    def placed(request):
        assert where() == "main"
        request.addfinalizer(lambda: print("finalizer:", where()))
        yield
        print("teardown:", where())

    @each_mode
    def test_body(placed, mode):
        assert where() == PLACES[mode]
        print("body:", where())
        assert 0

    @each_mode
    def test_name_of_the_java_thread(jvm, mode):
        name = str(jvm.JClass("java.lang.Thread").currentThread().getName())
        assert name.startswith({"main": "main", "same": "main", "new": "foreign-", "pool": "pool-"}[mode])

    class TestCase(unittest.TestCase):
        pytestmark = each_mode

        @classmethod
        def setUpClass(cls):
            assert where() == "main"

        def setUp(self):
            self.place = where()

        def test_method(self):
            mode = self.id().rpartition("[")[2].rstrip("]")
            assert self.place == where()
            assert self.place in PLACES.values()
            print("method:", self.place)
            self.fail()

        def tearDown(self):
            assert where() == self.place

        @classmethod
        def tearDownClass(cls):
            assert where() == "main"

    class TestXunit:
        pytestmark = each_mode

        def setup_method(self):
            assert where() == "main"

        def test_method(self, mode):
            assert where() == PLACES[mode]

        def teardown_method(self):
            assert where() == "main"

    seen = []

    def tracer(frame, event, argument):
        if frame.f_code.co_name == "traced":
            seen.append(event)
            return tracer

    @pytest.fixture
    def tracing():
        threading.settrace(tracer)
        threading.setprofile(lambda frame, event, argument: seen.append("profiled"))
        sys.settrace(tracer)
        yield
        sys.settrace(None)
        threading.settrace(None)
        threading.setprofile(None)

    @each_mode
    def test_tracer(tracing, mode):
        def traced():
            return 1
        traced()
        assert [event for event in seen if event != "profiled"] == ["call", "line", "return"]
        assert ("profiled" in seen) == (mode in ("new", "pool"))
"""

CALLS: Final = """
    import os, threading, time
    from concurrent.futures import CancelledError, TimeoutError
    import pytest
    from conftest import where

    def test_jvm(jvm):
        assert jvm.__name__ == "jpype"
        assert jvm.isJVMStarted()
        assert where() == "main"

    def test_value(foreign_thread):
        assert where() == "main"
        assert foreign_thread.call(lambda a, b, c: (a, b, c), 1, b=2, c=3) == (1, 2, 3)
        assert foreign_thread.call(where) == "other under Java"

    @pytest.mark.parametrize("mode, place", [
        ("main", "main"), ("same", "main under Java"), ("new", "other under Java"), ("pool", "other under Java"),
    ])
    def test_mode(foreign_thread, mode, place):
        assert foreign_thread.call(where, mode=mode) == place
        assert foreign_thread.submit(where, mode=mode).result(60) == place

    @pytest.mark.foreign_thread(mode="same")
    def test_mode_of_the_marker(foreign_thread):
        assert foreign_thread.call(where) == "main under Java"

    def test_unknown_mode(foreign_thread):
        with pytest.raises(ValueError, match="mode='green'"):
            foreign_thread.call(where, mode="green")
        with pytest.raises(ValueError, match="'pool'"):
            foreign_thread.submit(where, mode="green")

    def raises(number):
        local = number
        assert local == {"a": 1}

    @pytest.mark.parametrize("mode", ["main", "same", "new", "pool"])
    def test_exception(foreign_thread, mode):
        foreign_thread.call(raises, 5, mode=mode)

    def test_skip(foreign_thread):
        foreign_thread.call(pytest.skip, "from there")

    def test_exit(foreign_thread):
        with pytest.raises(SystemExit):
            foreign_thread.call(exit, 3)

    def test_nested(foreign_thread):
        assert foreign_thread.call(lambda: foreign_thread.call(where, mode="pool"), mode="new") == "other under Java"

    def test_many(foreign_thread):
        futures = [foreign_thread.submit(lambda n: n, n, mode="pool") for n in range(50)]
        assert [future.result(60) for future in futures] == list(range(50))

    def test_submit(foreign_thread):
        def fail():
            raise KeyError("there")
        future = foreign_thread.submit(fail)
        assert isinstance(future.exception(60), KeyError)
        with pytest.raises(KeyError):
            future.result()

    def test_time_out_and_go_on(foreign_thread):
        gate = threading.Event()
        future = foreign_thread.submit(gate.wait)
        with pytest.raises(TimeoutError):
            future.result(0.01)
        gate.set()
        assert future.result(60)

    def test_late_callback(foreign_thread):
        gate = threading.Event()
        future = foreign_thread.submit(gate.wait, mode="pool")
        assert not future.done()

    def test_cancelled(foreign_thread):
        gate = threading.Event()
        busy = [foreign_thread.submit(gate.wait, mode="pool") for _ in range(4)]
        future = foreign_thread.submit(os.abort, mode="pool")
        assert future.cancel()
        gate.set()
        assert [one.result(60) for one in busy] == [True] * 4
        with pytest.raises(CancelledError):
            future.result()

    @pytest.fixture
    def in_setup(foreign_thread):
        place = foreign_thread.call(where)
        yield place
        print("teardown:", foreign_thread.call(where))

    def test_call_in_fixtures(in_setup):
        print("body")
        assert in_setup == "other under Java"

    def test_forks(foreign_thread):
        pid = foreign_thread.call(os.fork)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

FORKS: Final = """
    import os
    import pytest

    def note(word):
        with open("notes", "a") as file:
            file.write(word + "\\n")

    @pytest.fixture
    def noted():
        note("setup")
        yield
        note("teardown")

    @pytest.mark.foreign_thread(mode=["main", "same", "new", "pool"])
    @pytest.mark.parametrize("raises", [False, True])
    def test_falls_through(noted, raises):
        print("written before")
        pid = os.fork()
        if pid == 0 and raises:
            raise ValueError("in the fork")
        if pid:
            note("body")
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == int(raises)

    @pytest.fixture
    def forks():
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            note("setup")

    @pytest.mark.foreign_thread
    def test_forks_in_setup(forks):
        note("body")

    @pytest.mark.foreign_thread
    def test_forks_in_teardown(request):
        def finish():
            if pid := os.fork():
                os.waitpid(pid, 0)
                note("teardown")
        request.addfinalizer(finish)
"""

DYNAMIC: Final = """
    import pytest

    @pytest.mark.parametrize("name", ["jvm", "foreign_thread", "foreign_thread_bridge"])
    def test_dynamic(request, name):
        request.getfixturevalue(name)

    def test_after():
        pass
"""

UNCAUGHT: Final = """
    import time
    import pytest

    def runnable(jvm, function):
        return jvm.JProxy("java.lang.Runnable", dict={"run": function})

    def java_exception(jvm):
        # Java's own code throws it: a null key.
        jvm.JClass("java.util.concurrent.ConcurrentHashMap")().get(None)

    def python_exception(jvm):
        raise ValueError("thrown in Python\\nand more")

    def on_a_thread(jvm, function):
        thread = jvm.JClass("java.lang.Thread")(runnable(jvm, lambda: function(jvm)), "the test's own")
        thread.start()
        thread.join()

    def in_a_pool(jvm, function):
        pool = jvm.JClass("java.util.concurrent.Executors").newFixedThreadPool(1)
        pool.execute(runnable(jvm, lambda: function(jvm)))
        pool.shutdown()
        assert pool.awaitTermination(60, jvm.JClass("java.util.concurrent.TimeUnit").SECONDS)

    ERRORS = {"java": java_exception, "python": python_exception}
    WAYS = {"thread": on_a_thread, "pool": in_a_pool}

    @pytest.fixture
    def around(request, jvm):
        phase, way, error = (request.node.callspec.params[name] for name in ("phase", "way", "error"))
        if phase == "setup":
            WAYS[way](jvm, ERRORS[error])
        yield
        if phase == "teardown":
            WAYS[way](jvm, ERRORS[error])

    @pytest.mark.parametrize("error", ERRORS)
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("phase", ["setup", "call", "teardown"])
    def test_uncaught(around, jvm, phase, way, error):
        if phase == "call":
            WAYS[way](jvm, ERRORS[error])

    def test_body_fails_too(jvm):
        on_a_thread(jvm, java_exception)
        assert 1 == 2, "the body's own"

    def test_two(jvm):
        on_a_thread(jvm, java_exception)
        in_a_pool(jvm, python_exception)

    @pytest.mark.xfail(raises=ValueError, strict=True)
    def test_expected(jvm):
        on_a_thread(jvm, python_exception)

    def test_caught(jvm):
        task = jvm.JClass("java.util.concurrent.FutureTask")(runnable(jvm, lambda: java_exception(jvm)), None)
        thread = jvm.JClass("java.lang.Thread")(task)
        thread.start()
        thread.join()
        assert task.isDone()
"""


# These tests end no child: one for all runs them in a fraction of the time, and for each its own in the second tier.
@pytest.fixture(scope="module", params=["session", pytest.param("test", marks=pytest.mark.thorough)])
def all_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    isolation = f"--foreign-thread-isolation={request.param}"
    files = {
        "conftest.py": CONFTEST,
        "test_threads.py": THREADS,
        "test_calls.py": CALLS,
        "test_uncaught.py": UNCAUGHT,
        "test_dynamic.py": DYNAMIC,
        "test_forks.py": FORKS,
    }
    return run_suite_in(tmp_path_factory.mktemp("fixtures"), files, isolation, "-rA", "-v", env={"COLUMNS": "160"})


def _section(run: SuiteRun, name: str) -> str:
    """The part of the output on one failed or passed test, whatever phase."""
    heading = rf"^_+ (?:ERROR at \w+ of )?{re.escape(name)} _+$"
    found = re.search(rf"(?ms){heading}(.*?)^(_{{3,}} .* _{{3,}}$|={{3,}})", run.output)
    assert found, f"{name} is not in\n{run.output}"
    return found[1]


def _outcomes(run: SuiteRun, prefix: str) -> dict[str, str]:
    return {name: word for name, word in run.outcomes.items() if name.startswith(prefix)}


# Which thread.


@pytest.mark.parametrize("mode", ["main", "same", "new", "pool"])
@pytest.mark.parametrize("scope", ["function", "session"])
def test_fixtures_on_main_and_body_on_a_foreign_thread(all_run: SuiteRun, mode: str, scope: str) -> None:
    places = {"main": "main", "same": "main under Java", "new": "other under Java", "pool": "other under Java"}
    section = _section(all_run, f"test_body[{scope}-{mode}]")
    assert f"body: {places[mode]}\n" in section
    assert "teardown: main\n" in section
    assert "finalizer: main\n" in section


@pytest.mark.parametrize("mode", ["main", "same", "new", "pool"])
def test_setup_of_a_testcase_is_where_its_method_is(all_run: SuiteRun, mode: str) -> None:
    place = {"main": "main", "same": "main under Java"}.get(mode, "other under Java")
    assert all_run.outcomes[f"TestCase::test_method[{mode}]"] == "failed"
    assert f"method: {place}\n" in _section(all_run, f"TestCase.test_method[{mode}]")


@pytest.mark.parametrize("name", ["test_name_of_the_java_thread", "TestXunit::test_method", "test_tracer"])
def test_threads_pass(all_run: SuiteRun, name: str) -> None:
    assert list(_outcomes(all_run, name).values()) == ["passed"] * 4


# foreign_thread.call and .submit.


CALLS_THAT_PASS: Final = (
    *("test_jvm", "test_value", "test_mode_of_the_marker", "test_unknown_mode", "test_exit", "test_nested"),
    *("test_many", "test_submit", "test_time_out_and_go_on", "test_late_callback", "test_cancelled"),
    *("test_call_in_fixtures", "test_forks"),
)


def test_calls(all_run: SuiteRun) -> None:
    outcomes = {name: all_run.outcomes[name] for name in CALLS_THAT_PASS}
    assert outcomes == dict.fromkeys(CALLS_THAT_PASS, "passed")
    assert set(_outcomes(all_run, "test_mode[").values()) == {"passed"}
    assert all_run.outcomes["test_skip"] == "skipped"
    assert "teardown: other under Java" in _section(all_run, "test_call_in_fixtures")


@pytest.mark.parametrize("mode", ["main", "same", "new", "pool"])
def test_exception_with_its_own_traceback(all_run: SuiteRun, mode: str) -> None:
    section = _section(all_run, f"test_exception[{mode}]")
    assert re.findall(r"^(test_calls\.py|/\S+):\d+: ", section, re.M) == ["test_calls.py", "test_calls.py"]
    assert ">       foreign_thread.call(raises, 5, mode=mode)" in section
    assert '>       assert local == {"a": 1}' in section
    assert "E       AssertionError: assert 5 == {'a': 1}" in section


def test_a_test_without_marker_stays_on_the_main_thread(all_run: SuiteRun) -> None:
    assert all_run.tests["test_jvm"]["mode"] == "main"
    assert all_run.tests["test_value"]["mode"] == "main"


@pytest.mark.parametrize("name", ["jvm", "foreign_thread", "foreign_thread_bridge"])
def test_fixture_that_is_asked_for_too_late(all_run: SuiteRun, name: str) -> None:
    assert f"FAILED test_dynamic.py::test_dynamic[{name}]" in all_run.output
    section = _section(all_run, f"test_dynamic[{name}]")
    assert f"the fixture {name!r}" in section or "the fixture 'foreign_thread" in section
    assert "mark the test with @pytest.mark.foreign_thread" in section
    assert "PASSED test_dynamic.py::test_after" in all_run.output


# A test that forks.


def test_fork_that_falls_through(all_run: SuiteRun) -> None:
    assert list(_outcomes(all_run, "test_falls_through").values()) == ["passed"] * 8
    assert all_run.outcomes["test_forks_in_setup"] == "passed"
    assert all_run.outcomes["test_forks_in_teardown"] == "passed"
    notes = (all_run.folder / "notes").read_text().split()
    assert notes == ["setup", "body", "teardown"] * 9
    assert all_run.output.count("written before") == 8


# What no one catches.


@pytest.mark.parametrize("error", ["java", "python"])
@pytest.mark.parametrize("way", ["thread", "pool"])
@pytest.mark.parametrize("phase", ["setup", "call", "teardown"])
def test_uncaught_exception(all_run: SuiteRun, phase: str, way: str, error: str) -> None:
    name = f"test_uncaught[{phase}-{way}-{error}]"
    assert all_run.outcomes[name] == ("failed" if phase == "call" else "error")
    thread = "the test's own" if way == "thread" else r"pool-\d+-thread-1"
    text = "java.lang.NullPointerException" if error == "java" else "ValueError: thrown in Python"
    first, *rest = _section(all_run, name).strip().splitlines()
    assert re.fullmatch(rf'uncaught on Java thread "{thread}": {text}.*', first)
    frames = ["ConcurrentHashMap.get"] if error == "java" else ["hostInvoke"]
    if error == "python" and sys.version_info >= (3, 12):
        frames.append("in python_exception")
    assert all(any(frame in line for line in rest) for frame in frames)
    assert not any("pytest_foreignthread" in line or "_pytest" in line for line in rest)
    word = "FAILED" if phase == "call" else "ERROR"
    assert re.search(rf'(?m)^{word} test_uncaught.py::{re.escape(name)} - uncaught on Java thread "', all_run.output)


def test_uncaught_exception_beside_the_bodys_own(all_run: SuiteRun) -> None:
    section = _section(all_run, "test_body_fails_too")
    assert "E       AssertionError: the body's own" in section
    assert 'uncaught on Java thread "the test\'s own": java.lang.NullPointerException' in section
    assert "ConcurrentHashMap.get" in section


def test_two_uncaught_exceptions(all_run: SuiteRun) -> None:
    section = _section(all_run, "test_two")
    assert section.strip().startswith('uncaught on Java thread "the test\'s own": java.lang.NullPointerException')
    assert re.search(r'uncaught on Java thread "pool-\d+-thread-1": ValueError: thrown in Python', section)


def test_uncaught_exception_that_is_expected_or_caught(all_run: SuiteRun) -> None:
    assert all_run.outcomes["test_expected"] == "xfailed"
    assert all_run.outcomes["test_caught"] == "passed"


# The folder of temporary folders.

TEMPORARY: Final = """
    import os
    import pytest

    pytestmark = pytest.mark.foreign_thread(mode="python")

    @pytest.fixture
    def made(tmp_path_factory):
        return tmp_path_factory.mktemp("made")

    def test_one(tmp_path):
        (tmp_path / "one").touch()

    def test_two(made):
        (made / "two").touch()

    def test_three(tmp_path, made):
        (tmp_path / "three").touch()
        os.abort()

    class TestSameName:
        def test_one(self, tmp_path):
            assert list(tmp_path.iterdir()) == []

    def test_ordinary():
        pass
"""


def _bases(folder: Path) -> list[Path]:
    return [path for path in folder.glob("pytest-of-*/pytest-*") if not path.is_symlink()]


@pytest.mark.parametrize("policy", ["all", "failed", "none"])
# The policy that keeps some; pytest applies the others in the same place.
@pytest.mark.by_default("failed")
def test_one_folder_for_the_temporary_folders_of_a_run(policy: str, run_suite: RunSuite, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment: dict[str, Any] = {"TMPDIR": str(temporary), "PYTEST_DEBUG_TEMPROOT": ""}
    done = run_suite(TEMPORARY, "-o", f"tmp_path_retention_policy={policy}", env=environment)
    assert list(done.outcomes.values()) == ["passed", "passed", "crash", "passed", "passed"]
    assert len(_bases(temporary)) == (0 if policy == "none" else 1)
    kept = sorted(path.name for base in _bases(temporary) for path in base.iterdir() if not path.is_symlink())
    # A child that died has told no one whether its test passed; its folder stays.
    expected = {
        "all": ["made0", "made1", "test_one0", "test_one1", "test_three0"],
        "failed": ["made0", "made1", "test_three0"],
        "none": [],
    }
    assert [name for name in kept if name != ".lock"] == expected[policy]


def test_no_folder_where_none_is_asked_for(run_suite: RunSuite, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    suite = "import pytest\n@pytest.mark.foreign_thread(mode='python')\ndef test(): pass"
    run_suite(suite, env={"TMPDIR": str(temporary)})
    assert _bases(temporary) == []


@pytest.mark.parametrize(
    ("conftest", "entries"),
    [
        ("def jvm(): return 1", {}),
        ("def jvm(jvm): return 1", {"test_value": "passed"}),
        ("def jvm(foreign_thread): return 1", {"test_value": "passed"}),
    ],
)
def test_a_fixture_of_the_same_name_needs_no_child(run_suite: RunSuite, conftest: str, entries: dict[str, str]) -> None:
    files = {
        "conftest.py": f"import pytest\n\n@pytest.fixture\n{conftest}\n",
        "test_it.py": "def test_value(jvm): assert jvm == 1\n",
    }
    run = run_suite(files)
    assert run.outcomes == entries, run.output
    assert run.status == 0


def test_a_marked_test_may_have_a_fixture_of_the_same_name(run_suite: RunSuite) -> None:
    run = run_suite(
        """
        import threading
        import pytest

        @pytest.fixture
        def foreign_thread():
            return 1

        @pytest.mark.foreign_thread
        def test_value(foreign_thread):
            assert foreign_thread == 1
            assert threading.current_thread() is not threading.main_thread()
        """
    )
    assert run.outcomes == {"test_value": "passed"}, run.output


def test_a_call_in_place_of_a_callable_is_explained(run_suite: RunSuite) -> None:
    source = """
        import pytest
        @pytest.mark.parametrize("name", ["call", "submit"])
        @pytest.mark.foreign_thread(mode="python")
        def test_it(foreign_thread, name): getattr(foreign_thread, name)(len([]))
    """
    ran = run_suite(source)
    words = "TypeError: expected a callable and its arguments, got 0"
    assert [entry["message"] for entry in ran.tests.values()] == [words, words]
