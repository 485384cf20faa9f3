"""`foreign_thread_bridge` overridden: the marker and the fixture go through the project's own bridge, good or bad."""

from __future__ import annotations

import re
from typing import Final

import pytest

from .conftest import RunSuite, SuiteRun, run_suite_in

CONFTEST: Final = """
    import pytest

    @pytest.fixture
    def foreign_thread_bridge(foreign_thread_bridge):
        '''Overridden for the whole folder: counts, and leaves the work to the default.'''
        made = []

        def bridge(function):
            made.append(function)
            return foreign_thread_bridge(function)

        bridge.made = made
        return bridge
"""

COUNTED: Final = """
    import jpype
    import pytest

    @pytest.mark.foreign_thread(mode=["same", "new", "pool"])
    def test_of_the_folder(foreign_thread_bridge):
        assert len(foreign_thread_bridge.made) == 1

    @pytest.mark.foreign_thread(mode="main")
    def test_main_needs_none(foreign_thread_bridge):
        assert foreign_thread_bridge.made == []

    def test_calls(foreign_thread, foreign_thread_bridge):
        foreign_thread.call(len, [])
        foreign_thread.submit(len, [], mode="pool").result(60)
        assert len(foreign_thread_bridge.made) == 2

    @pytest.mark.foreign_thread
    class TestOfAClass:
        made = []

        @pytest.fixture
        def foreign_thread_bridge(self):
            def bridge(function):
                self.made.append(function)

                @jpype.JImplements("java.lang.Runnable")
                class Own:
                    @jpype.JOverride
                    def run(self):
                        function()

                return Own()
            return bridge

        def test_it(self):
            assert len(self.made) == 1

        def test_it_as_well(self, foreign_thread):
            assert foreign_thread.call(lambda: 5) == 5
            assert len(self.made) == 2
"""

MODULE: Final = """
    import unittest
    import pytest

    made = []

    @pytest.fixture
    def foreign_thread_bridge():
        import jpype

        def bridge(function):
            made.append(function)
            return jpype.JProxy("java.lang.Runnable", dict={"run": function})

        return bridge

    @pytest.mark.foreign_thread(mode="pool")
    def test_of_a_module():
        assert len(made) == 1

    @pytest.mark.foreign_thread
    class TestCase(unittest.TestCase):
        def test_method(self):
            self.assertEqual(len(made), 1)
"""

BAD: Final = """
    import threading
    import jpype
    import pytest

    def runnable(function):
        return jpype.JProxy("java.lang.Runnable", dict={"run": function})

    def never(function):
        return runnable(lambda: None)

    def raises(function):
        raise LookupError("no bridge today")

    def raises_in_python(function):
        def run():
            function()
            raise LookupError("after the call")
        return runnable(run)

    def raises_before(function):
        def run():
            raise LookupError("instead of the call")
        return runnable(run)

    def raises_in_java(function):
        def run():
            function()
            jpype.JClass("java.util.concurrent.ConcurrentHashMap")().get(None)
        return runnable(run)

    def twice(function):
        def run():
            function()
            function()
        return runnable(run)

    def from_another_thread(function):
        return runnable(lambda: threading.Thread(target=function).start())

    def after_another(function):
        def run():
            thread = threading.Thread(target=function)
            thread.start()
            thread.join()
        return runnable(run)

    def much_later(function):
        later.append(function)
        return runnable(lambda: None)

    def no_runnable(function):
        return {"run": function}

    def nothing(function):
        return None

    def another_interface(function):
        return jpype.JProxy("java.util.Comparator", dict={"compare": function})

    later = []
    BRIDGES = {one.__name__: one for one in (
        never, raises, raises_in_python, raises_before, raises_in_java, twice, from_another_thread, after_another,
        much_later, no_runnable, nothing, another_interface,
    )}

    @pytest.fixture
    def runs():
        found = []
        yield found
        for function in later:
            function()
        print("the body ran", len(found), "times")

    @pytest.fixture(params=BRIDGES)
    def foreign_thread_bridge(request):
        return BRIDGES[request.param]

    @pytest.mark.foreign_thread(mode=["same", "new"])
    def test_body(foreign_thread_bridge, runs):
        print("body")
        runs.append(1)

    @pytest.mark.foreign_thread
    def test_body_fails(foreign_thread_bridge):
        assert 1 == 2, "the body's own"

    @pytest.mark.foreign_thread(mode="main")
    def test_submit(foreign_thread, foreign_thread_bridge):
        future = foreign_thread.submit(len, [], mode="same")
"""

GOOD: Final = ("from_another_thread", "after_another")
ERRORS: Final = {
    "never": "NotCalledError: the bridge's Runnable ended without having called the Python function",
    "much_later": "NotCalledError: the bridge's Runnable ended without having called the Python function",
    "raises": "LookupError: no bridge today",
    "raises_in_python": "LookupError: after the call",
    "raises_before": "LookupError: instead of the call",
    "raises_in_java": "java.lang.NullPointerException",
    "twice": "CalledAgainError: the bridge called the Python function 2 times; it ran the first time",
    "no_runnable": "BridgeError: expected a java.lang.Runnable of foreign_thread_bridge, got {'run': ",
    "nothing": "BridgeError: expected a java.lang.Runnable of foreign_thread_bridge, got None",
    "another_interface": "BridgeError: expected a java.lang.Runnable of foreign_thread_bridge, got ",
}
RAN: Final = ("twice", "raises_in_python", "raises_in_java", *GOOD)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    files = {"conftest.py": CONFTEST, "test_counted.py": COUNTED, "test_module.py": MODULE}
    return run_suite_in(tmp_path_factory.mktemp("counted"), files)


# These tests end no child: one for all runs them in a fraction of the time, and for each its own in the second tier.
@pytest.fixture(scope="module", params=["session", pytest.param("test", marks=pytest.mark.thorough)])
def bad(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("bad"), BAD, "-rA", f"--foreign-thread-isolation={request.param}")


def test_marker_and_fixture_use_the_overriding_bridge(counted: SuiteRun) -> None:
    assert set(counted.outcomes.values()) == {"passed"}
    assert len(counted.outcomes) == 9


@pytest.mark.parametrize("mode", ["same", "new"])
@pytest.mark.parametrize("name", ERRORS)
def test_bad_bridge(bad: SuiteRun, name: str, mode: str) -> None:
    nodeid = f"test_body[{name}-{mode}]"
    assert bad.outcomes[nodeid] == "failed"
    assert ERRORS[name] in bad.tests[nodeid]["message"]


@pytest.mark.parametrize("mode", ["same", "new"])
@pytest.mark.parametrize("name", GOOD)
def test_bridge_that_hands_the_call_on(bad: SuiteRun, name: str, mode: str) -> None:
    assert bad.outcomes[f"test_body[{name}-{mode}]"] == "passed"


@pytest.mark.parametrize("name", [*ERRORS, *GOOD])
def test_body_runs_once_or_not_at_all(bad: SuiteRun, name: str) -> None:
    """Not a second time, and not beside the teardown of its fixtures after it was given up."""
    sections = re.findall(rf"(?ms)^_+ test_body\[{name}-\w+\] _+$.*?the body ran (\d) times", bad.output)
    assert sections == ["1" if name in RAN else "0"] * 2


@pytest.mark.parametrize("name", [*ERRORS, *GOOD])
def test_bodys_own_failure_comes_first(bad: SuiteRun, name: str) -> None:
    message = bad.tests[f"test_body_fails[{name}]"]["message"]
    assert ("the body's own" in message) == (name in RAN)


@pytest.mark.parametrize("name", ERRORS)
def test_bad_bridge_of_a_submit(bad: SuiteRun, name: str) -> None:
    """What Java's side did comes out at the fixture's teardown, where `submit` itself did not fail."""
    entry = bad.tests[f"test_submit[{name}]"]
    at_once = name in ("raises", "no_runnable", "nothing", "another_interface")
    assert (entry["outcome"], entry["phase"]) == (("failed", "call") if at_once else ("error", "teardown"))
    assert ERRORS[name] in entry["message"]


NO_BRIDGE: Final = """
    import pytest

    @pytest.fixture(params=[None, 5])
    def foreign_thread_bridge(request):
        return request.param

    @pytest.mark.foreign_thread
    def test_body(foreign_thread_bridge): pass

    def test_call(foreign_thread): pass
"""


def test_fixture_that_returns_no_bridge_is_an_error_of_the_tests_setup(run_suite: RunSuite) -> None:
    run = run_suite(NO_BRIDGE, "--foreign-thread-isolation=session")
    assert run.closing_line == "4 errors"
    for name, got in (("test_body[None]", "None"), ("test_call[5]", "5")):
        message = run.tests[name]["message"]
        assert re.search(r"fixture foreign_thread_bridge \(.*test_it.py:4\): expected a function that takes", message)
        assert f"got {got}: return such a function" in message
    assert "pytest_foreignthread/" not in run.output


def test_doctor_knows_of_a_bridge_and_of_the_class_path(run_suite: RunSuite) -> None:
    conftest = "import pytest\n\n@pytest.fixture\ndef foreign_thread_bridge():\n    print()\n"
    run = run_suite({"conftest.py": conftest}, "--foreign-thread-doctor", "--foreign-thread-classpath=gone.jar")
    reported = " ".join(run.output.split())
    assert re.search(r"PROBLEM bridge: foreign_thread_bridge of \S+conftest.py:3 returns nothing", reported)
    assert re.search(r"note class path: --foreign-thread-classpath: \S+gone.jar, which does not exist", reported)


CLASS_PATHS: Final = """
    import pytest

    @pytest.mark.foreign_thread(classpath="marker.jar")
    def test_marker(): pass

    @pytest.mark.foreign_thread
    def test_option(): pass
"""


def test_class_path_that_leads_nowhere_is_a_warning_at_the_start(run_suite: RunSuite) -> None:
    files = {"test_it.py": CLASS_PATHS, "pytest.ini": "[pytest]\nforeign_thread_classpath = there:gone.jar\n"}
    run = run_suite({**files, "there/kept": ""}, "-Werror")
    assert run.closing_line == "2 passed, 2 warnings"
    for where in (r"foreign_thread_classpath", r"test_it.py::test_marker: foreign_thread\(classpath=...\)"):
        pattern = rf"{where}: expected a directory or a jar, got \S+/(gone|marker).jar, which does not exist: correct"
        assert re.search(pattern, run.output), where
    meant = run_suite(files, "-Werror::pytest_foreignthread.ClassPathWarning")
    assert meant.status == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: foreign_thread_classpath: expected a directory or a jar, got " in meant.errors
